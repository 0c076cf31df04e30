import { caught, echo, type ExtraCase } from './extra-case.js';

const png = 'data:image/png;base64,AAAA';
const image = (detail = 'high', image_url = png) => ({ type: 'input_image', image_url, detail });
const audio = (audio_url = 'data:audio/wav;base64,AAAA') => ({ type: 'input_audio', audio_url });
const badBlock = 'content expects one MCP ContentBlock';

export const helperCases: Record<string, ExtraCase[]> = {
  globals: [
    {
      title: 'a helper is writable, enumerable and configurable',
      source: `const d = Object.getOwnPropertyDescriptor(globalThis, 'text'); text([d.writable, d.enumerable, d.configurable])`,
      items: ['[true,true,true]'],
    },
    { title: 'a helper can be shadowed', source: 'const store = 1; text(store)', items: ['1'] },
    {
      title: 'a helper can be deleted',
      source: 'text(delete globalThis.image); text(typeof image)',
      items: ['true', 'undefined'],
    },
    {
      title: 'an unknown tool is undefined',
      source: 'text(typeof tools.nope); tools.nope()',
      items: ['undefined'],
      error: 'TypeError: tools.nope is not a function\n    at exec_main.mjs:1:32',
    },
    {
      title: 'a tool works detached, called, applied and bound',
      source: `const { echo } = tools; const o = [echo({ a: 1 }), echo.call(null, { a: 2 }), echo.apply(1, [{ a: 3 }]), echo.bind({})({ a: 4 })]; text(await Promise.all(o))`,
      items: ['[{"v":{"a":1}},{"v":{"a":2}},{"v":{"a":3}},{"v":{"a":4}}]'],
      tools: [echo],
    },
    { title: 'tools serialises to an empty object', source: 'text(tools)', items: ['{}'], tools: [echo] },
    {
      title: 'globalThis is an ordinary extensible object',
      source: `text(Object.prototype.toString.call(globalThis)); text(Object.isExtensible(globalThis)); text(Object.getPrototypeOf(Object.getPrototypeOf(globalThis)) === Object.prototype)`,
      items: ['[object Object]', 'true', 'true'],
    },
    {
      title: 'console does not exist',
      source: 'console.log(1)',
      error: 'ReferenceError: console is not defined\n    at exec_main.mjs:1:1',
    },
    {
      title: 'code made from strings sees the same bare global',
      source: `text(new Function('return this')() === globalThis); text((0, eval)('typeof process + typeof require')); text(globalThis.constructor.constructor('return typeof process')())`,
      items: ['true', 'undefinedundefined', 'undefined'],
    },
  ],

  text: [
    {
      title: 'negative zero, NaN and Infinity print as String does',
      source: 'text(-0); text(NaN); text(-Infinity)',
      items: ['0', 'NaN', '-Infinity'],
    },
    { title: 'no argument prints undefined', source: 'text()', items: ['undefined'] },
    { title: 'an invalid date prints null', source: 'text(new Date(NaN))', items: ['null'] },
    {
      title: 'a promise, a buffer and an empty instance print {}',
      source: 'text(Promise.resolve(1)); text(new ArrayBuffer(2)); text(new (class A {}))',
      items: ['{}', '{}', '{}'],
    },
    {
      title: 'a typed array prints its entries',
      source: 'text(new Uint8Array([1, 2]))',
      items: ['{"0":1,"1":2}'],
    },
    { title: 'a boxed number prints as the number', source: 'text(new Number(5))', items: ['5'] },
    {
      title: 'a proxy of a function prints undefined',
      source: 'text(new Proxy(() => 1, {}))',
      items: ['undefined'],
    },
    {
      title: 'toJSON that gives undefined prints undefined',
      source: 'text({ toJSON() {} })',
      items: ['undefined'],
    },
    {
      title: 'overriding JSON.stringify has no effect',
      source: `JSON.stringify = () => 'no'; text({ a: 1 })`,
      items: ['{"a":1}'],
    },
    {
      title: 'inner output of toJSON comes first',
      source: `text({ toJSON() { text('inner'); return 'outer' } })`,
      items: ['inner', '"outer"'],
    },
    {
      title: 'BigInt.prototype.toJSON makes nested bigints legal',
      source: `BigInt.prototype.toJSON = () => 'big'; text({ a: 1n }); text(1n)`,
      items: ['{"a":"big"}', '1'],
    },
    { title: 'astral characters survive', source: 'text("\\ud83d\\ude00" + "日本")', items: ['😀日本'] },
    { title: 'a lone low surrogate becomes U+FFFD', source: 'text("a\\udc00b")', items: ['a\ufffdb'] },
    {
      title: 'members that JSON leaves out are left out',
      source: 'text({ a: undefined, b: () => 1, [Symbol()]: 1, c: null })',
      items: ['{"c":null}'],
    },
    {
      title: 'a getter that throws gives its stack as the error',
      source: `text({ get a() { throw new TypeError('g') } })`,
      error: 'TypeError: g\n    at get a (exec_main.mjs:1:24)\n    at exec_main.mjs:1:1',
    },
    {
      title: 'a thrown primitive of toJSON is the error',
      source: caught(`text({ toJSON() { throw 7 } })`),
      items: ['7'],
    },
  ],

  image: [
    {
      title: 'detail is case-insensitive in the second argument',
      source: `image("${png}", "LOW")`,
      items: [image('low')],
    },
    {
      title: 'a data URL may be written in capitals',
      source: 'image("DATA:image/png;base64,AAAA")',
      items: [image('high', 'DATA:image/png;base64,AAAA')],
    },
    {
      title: 'the detail of an MCP block comes from its _meta',
      source:
        'image({ type: "image", data: "AAAA", mimeType: "image/png", _meta: { "codex/imageDetail": "original" } })',
      items: [image('original')],
    },
    {
      title: 'the second argument wins over the _meta of a block',
      source:
        'image({ type: "image", data: "AAAA", mimeType: "image/png", _meta: { "codex/imageDetail": "original" } }, "low")',
      items: [image('low')],
    },
    {
      title: 'a detail member of an MCP block is ignored',
      source: 'image({ type: "image", data: "AAAA", mimeType: "image/png", detail: "low" })',
      items: [image()],
    },
    {
      title: 'an MCP block without a media type gets a generic one',
      source:
        'image({ type: "image", data: "AAAA" }); image({ type: "image", data: "AAAA", mimeType: "" }); image({ type: "image", data: "AAAA", mimeType: 5 })',
      items: Array(3).fill(image('high', 'data:application/octet-stream;base64,AAAA')),
    },
    {
      title: 'another block type is named',
      source: caught('image({ type: "text", text: "a" })'),
      items: ['image only accepts MCP image blocks, got "text"'],
    },
    {
      title: 'getters run once',
      source: `let n = 0; image({ get image_url() { n += 1; return "${png}" } }); text(n)`,
      items: [image(), '1'],
    },
    {
      title: 'members that cannot be serialised do not matter beside image_url',
      source: `const o = { image_url: "${png}", n: 1n }; o.o = o; image(o)`,
      items: [image()],
    },
    {
      title: 'toJSON of a block is honoured',
      source: 'image({ toJSON() { return { type: "image", data: "AAAA", mimeType: "image/png" } } })',
      items: [image()],
    },
    {
      title: 'a function with image_url is an object',
      source: `image(Object.assign(() => 1, { image_url: "${png}" }))`,
      items: [image()],
    },
    {
      title: 'an empty image_url is no URL',
      source: caught('image({ image_url: "" })'),
      items: [
        'image expects a non-empty image URL string, an object with image_url and optional detail, or a raw MCP image block',
      ],
    },
    {
      title: 'detail null in an object counts as absent',
      source: `image({ image_url: "${png}", detail: null })`,
      items: [image()],
    },
  ],

  audio: [
    {
      title: 'a remote URL is refused',
      source: caught('audio("https://x/y.wav")'),
      items: ['Tool call failed: invalid audio output. Pass a base64 data URI instead'],
    },
    {
      title: 'an object with audio_url is accepted',
      source: 'audio({ audio_url: "data:audio/wav;base64,AAAA" })',
      items: [audio()],
    },
    {
      title: 'a data URL in an MCP block passes through',
      source: 'audio({ type: "audio", data: "data:audio/ogg;base64,AAAA", mimeType: "audio/wav" })',
      items: [audio('data:audio/ogg;base64,AAAA')],
    },
    {
      title: 'another block type is named',
      source: caught('audio({ type: "resource" })'),
      items: ['audio only accepts MCP audio blocks, got "resource"'],
    },
  ],

  generatedImage: [
    {
      title: 'an empty hint gives an empty text',
      source: `generatedImage({ image_url: "${png}", output_hint: "" })`,
      items: [image(), ''],
    },
    {
      title: 'an undefined hint gives no text',
      source: `generatedImage({ image_url: "${png}", output_hint: undefined })`,
      items: [image()],
    },
    {
      title: 'a null hint is an error, before the image',
      source: caught(`generatedImage({ image_url: "${png}", output_hint: null })`),
      items: ['generatedImage output_hint must be a string when provided'],
    },
  ],

  content: [
    { title: 'an empty list emits nothing', source: 'content([]); text("end")', items: ['end'] },
    {
      title: 'an async iterable is refused',
      source: caught('content((async function* () {})())'),
      items: [badBlock],
    },
    {
      title: 'a tool result object is refused',
      source: caught('content({ content: [] })'),
      items: [badBlock],
    },
    {
      title: 'the content of a tool result is accepted',
      source: 'content((await tools.mcp({})).content)',
      items: ['hello', image('original')],
      tools: [{ name: 'mcp', kind: 'function', behaviour: 'mcp' }],
    },
    {
      title: 'a resource link becomes its JSON',
      source: 'content({ type: "resource_link", uri: "u", name: "n", size: 3 })',
      items: ['{"type":"resource_link","uri":"u","name":"n","size":3}'],
    },
    {
      title: 'a resource link with a wrong title is refused',
      source: caught('content({ type: "resource_link", uri: "u", name: "n", title: 5 })'),
      items: [badBlock],
    },
    {
      title: 'a resource link with a fractional size is refused',
      source: caught('content({ type: "resource_link", uri: "u", name: "n", size: 1.5 })'),
      items: [badBlock],
    },
    {
      title: 'an empty media type is kept',
      source: 'content({ type: "image", data: "AAAA", mimeType: "" })',
      items: [image('high', 'data:;base64,AAAA')],
    },
    {
      title: 'an audio block becomes audio',
      source: 'content({ type: "audio", data: "AAAA", mimeType: "audio/wav" })',
      items: [audio()],
    },
    {
      title: 'the detail of an image block is honoured',
      source:
        'content({ type: "image", data: "AAAA", mimeType: "image/png", _meta: { "codex/imageDetail": "low" } })',
      items: [image('low')],
    },
    {
      title: 'blocks before a bad one stay',
      source: caught('content(new Set([{ type: "text", text: "1" }, 5]))'),
      items: ['1', badBlock],
    },
  ],
};
