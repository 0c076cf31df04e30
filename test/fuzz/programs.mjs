// Random programs: statements that use the helpers in odd orders with odd values, break intrinsics, and throw in odd places.
import fc from 'fast-check';

/** Expressions whose conversion to text, number or JSON does something odd. */
const values = [
  ...[
    'undefined',
    'null',
    '0',
    '-0',
    'NaN',
    '1e309',
    '2 ** 53',
    '-1',
    '1.5',
    '10n',
    '2n ** 70n',
    'true',
    '""',
    '"text"',
  ],
  ...[
    '"\\ud800"',
    '"\\u0000"',
    '"\\u{1F600}".repeat(50)',
    '"x".repeat(70_000)',
    'Symbol("s")',
    'Symbol.iterator',
  ],
  ...[
    '[]',
    '[1, , 3]',
    '{}',
    '({ a: 1, b: [2, { c: 3 }] })',
    'Object.create(null)',
    'function f() {}',
    'class A {}',
    'async () => {}',
  ],
  ...[
    'new Map([[1, { a: 2 }]])',
    'new Set([1, 2])',
    'new Date(0)',
    'new Date(NaN)',
    '/a/g',
    'new Error("e")',
    'new WeakRef({})',
  ],
  ...[
    'new Uint8Array(8)',
    'new ArrayBuffer(8)',
    'new DataView(new ArrayBuffer(8))',
    'new Proxy({}, {})',
    'new Proxy([], {})',
  ],
  ...[
    'new Proxy(() => {}, { get() { throw 1 } })',
    '(() => { const r = Proxy.revocable({}, {}); r.revoke(); return r.proxy })()',
  ],
  ...[
    'Promise.resolve(1)',
    'Promise.reject(2)',
    'new Promise(() => {})',
    '({ then(r) { r(1) } })',
    '({ get then() { throw 1 } })',
  ],
  ...[
    '({ toString() { throw new Error("toString") } })',
    '({ toJSON() { return { a: 1 } } })',
    '({ toJSON() { throw 1 } })',
  ],
  ...[
    '({ valueOf() { return {} } })',
    '({ [Symbol.toPrimitive]() { return 1n } })',
    '({ get a() { throw 2 } })',
    '({ __proto__: null, length: 3 })',
  ],
  ...[
    '(() => { const o = {}; o.o = o; return o })()',
    '({ [Symbol.iterator]() { throw 3 } })',
    '({ *[Symbol.iterator]() { yield 1; throw 4 } })',
  ],
  ...['globalThis', 'tools', 'ALL_TOOLS', 'text', 'exit', 'ALL_TOOLS[0]', 'import.meta', 'JSON', 'Math'],
  ...[
    '({ image_url: "data:image/png;base64,AAAA", detail: "low" })',
    '({ type: "image", data: "AAAA", mimeType: "image/png" })',
  ],
  ...[
    '"data:audio/wav;base64,UklGRiQAAABXQVZF"',
    '({ type: "audio", data: "AAAA", mimeType: "a" })',
    '"https://example.org/a.png"',
    '({ content: [{ type: "text", text: "t" }, { type: "resource_link", uri: "u", name: "n" }] })',
  ],
  ...[
    '({ output_hint: "x", result: "AAAA" })',
    'Array.from({ length: 300 }, (_, i) => i)',
    'new (class extends Array {})(3)',
    'Object.freeze({ a: 1 })',
  ],
];
const value = fc.constantFrom(...values);
const key = fc.constantFrom(
  '"k"',
  '"__proto__"',
  '""',
  '1',
  'undefined',
  'Symbol()',
  '({ toString: () => "k" })',
  '({ toString() { throw 1 } })',
);
const delay = fc.constantFrom(
  '0',
  '1',
  '-1',
  'NaN',
  'undefined',
  '"2"',
  '1n',
  'Symbol()',
  '({ valueOf() { throw 1 } })',
  '3.7',
);
const toolName = fc.constantFrom(
  'echo',
  'fails',
  'slow',
  'odd',
  'missing',
  '__proto__',
  'then',
  'toString',
  'free',
);

/** What scripts may break. */
const intrinsic = fc.constantFrom(
  ...[
    'Array.prototype[Symbol.iterator]',
    'Array.prototype.push',
    'Array.prototype.map',
    'Object.prototype.toString',
    'JSON.stringify',
  ],
  ...[
    'JSON.parse',
    'Promise.prototype.then',
    'Promise.resolve',
    'Promise',
    'String.prototype.slice',
    'Symbol.iterator',
    'Error.prototype.toString',
  ],
  ...[
    'Error.prepareStackTrace',
    'Error.stackTraceLimit',
    'Function.prototype.call',
    'Map.prototype.entries',
    'Object.defineProperty',
    'Object.keys',
  ],
  ...[
    'globalThis.text',
    'globalThis.tools',
    'globalThis.setTimeout',
    'globalThis.store',
    'Object.prototype.then',
    'Object.prototype.toJSON',
    'Object.prototype.type',
  ],
  ...[
    'Array.prototype.toJSON',
    'String.prototype.toJSON',
    'Object.prototype.name',
    'Object.prototype.message',
    'Object.prototype.code',
    'Object.prototype[0]',
  ],
  ...[
    'Reflect.get',
    'Array.prototype.constructor',
    'Promise.prototype.constructor',
    'Error.prototype.stack',
    'Error.prototype.message',
    'Object.prototype.done',
  ],
);

const call = fc.oneof(
  fc
    .tuple(fc.constantFrom('text', 'content', 'notify', 'image', 'audio', 'generatedImage'), value, value)
    .map(([f, a, b]) => `${f}(${a}, ${b})`),
  fc.tuple(key, value).map(([k, v]) => `store(${k}, ${v})`),
  key.map((k) => `text(load(${k}))`),
  fc.tuple(toolName, value).map(([name, v]) => `await tools.${name}(${v})`),
  fc.tuple(toolName, value).map(([name, v]) => `tools.${name}(${v})`),
  fc
    .tuple(toolName, value, toolName)
    .map(([a, v, b]) => `text(await Promise.allSettled([tools.${a}(${v}), tools.${b}(), 1]))`),
  fc.tuple(value, delay).map(([v, ms]) => `setTimeout(() => { text(${v}) }, ${ms})`),
  fc.tuple(value, delay).map(([v, ms]) => `clearTimeout(setTimeout(${v}, ${ms}))`),
  delay.map((ms) => `await new Promise((resolve) => setTimeout(resolve, ${ms}))`),
  fc.constant('yield_control()'),
  fc.constantFrom(
    'exit()',
    'new exit()',
    'setTimeout(exit)',
    'Promise.resolve().then(exit)',
    'text({ toJSON: exit })',
  ),
  value.map(
    (v) => `for await (const one of as_settled([tools.echo({}), ${v}, Promise.reject(${v})])) text(one)`,
  ),
  fc
    .tuple(value, value)
    .map(
      ([a, b]) =>
        `await stream_settled([${a}, tools.slow()], (one) => { text(one); if (one.index) throw ${b} })`,
    ),
  fc.constantFrom(
    'await import("tools.js")',
    'await import("node:fs")',
    'import("tools/space.js").then(text)',
    'text(await import("@openai/code_mode"))',
  ),
  fc.tuple(intrinsic, value).map(([name, v]) => `${name} = ${v}`),
  fc.tuple(intrinsic).map(([name]) => `${name} = function () { text("called"); return arguments[0] }`),
  fc.tuple(intrinsic).map(([name]) => `${name} = () => { throw new TypeError("broken") }`),
  fc.constantFrom(
    'Object.freeze(globalThis)',
    'Object.freeze(Array.prototype)',
    'delete globalThis.Promise',
    'Object.setPrototypeOf(globalThis, null)',
  ),
  fc.constantFrom(
    'Object.setPrototypeOf(Array.prototype, new Proxy({}, { get() { throw 1 } }))',
    'Object.setPrototypeOf(Promise.prototype, null)',
  ),
  fc.constantFrom(
    '(function f() { f() })()',
    'new Array(1e6).fill(0).map((x) => [x])',
    'JSON.parse("[".repeat(1e5))',
    '"a".repeat(1e6).replace(/a/g, "bb")',
  ),
  fc.constantFrom(
    'text(new Error("x", { cause: tools }).stack)',
    'null.x',
    'eval("1 +")',
    'new Function("return this")()',
    '(0, eval)("var y = 1")',
  ),
  value.map((v) => `throw ${v}`),
  value.map((v) => `Promise.reject(${v})`),
  value.map((v) => `Error.prepareStackTrace = () => ${v}; try { null.x } catch (e) { text(e.stack) }`),
);

const statement = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: 'small', withCrossShrink: true }, call, tie('nested')),
  list: fc.array(tie('any'), { maxLength: 4 }).map((all) => all.join('; ')),
  nested: fc.oneof(
    fc
      .tuple(tie('list'), tie('list'))
      .map(([a, b]) => `try { ${a} } catch (e) { text(e); ${b} } finally { text("finally") }`),
    tie('list').map((body) => `for (let i = 0; i < 3; i++) { ${body} }`),
    tie('list').map((body) => `(async () => { ${body} })()`),
    tie('list').map((body) => `await (async () => { ${body} })().catch(text)`),
    tie('list').map((body) => `setTimeout(async () => { ${body} })`),
    tie('list').map((body) => `text({ get a() { (async () => { ${body} })(); return 1 } })`),
    tie('list').map((body) => `text({ toJSON() { void (async () => { ${body} })(); return {} } })`),
    tie('list').map((body) => `await { then(resolve) { void (async () => { ${body} })(); resolve(1) } }`),
  ),
})).any;

export const program = fc.array(statement, { minLength: 1, maxLength: 12 }).map((all) => all.join(';\n'));

/** Text of any kind, as a model that has gone astray may send it. */
export const garbage = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        '{',
        '}',
        '(',
        ')',
        '`',
        '${',
        'await ',
        'import ',
        'export ',
        '=>',
        '//',
        '\n',
        '"',
        'x',
        '/',
        '*',
        '#!',
        '\u2028',
        'class ',
      ),
      { maxLength: 40 },
    )
    .map((all) => all.join('')),
);
