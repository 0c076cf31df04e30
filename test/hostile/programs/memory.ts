import { anyEnd, heap, heapOrWall, programs, thrown } from '../program.js';

const growing = programs(
  heap,
  [
    ['pushing arrays', 'const a = []; for (;;) a.push(new Array(1000).fill(0))'],
    ['pushing large arrays', 'const a = []; for (;;) a.push(new Array(1e6).fill(0))'],
    ['pushing objects', 'const a = []; for (;;) a.push({ a: 1, b: {} })'],
    ['pushing strings', 'const a = []; for (let i = 0;; i++) a.push("s".repeat(1000) + i)'],
    ['pushing Maps', 'const a = []; for (;;) a.push(new Map([[1, 2]]))'],
    ['pushing Sets', 'const a = []; for (;;) a.push(new Set([1, 2]))'],
    ['pushing WeakMaps', 'const a = []; for (;;) a.push(new WeakMap([[{}, 1]]))'],
    ['pushing closures', 'const a = []; for (let i = 0;; i++) a.push(() => i)'],
    ['pushing classes', 'const a = []; for (let i = 0;; i++) a.push(class { x = i })'],
    ['pushing symbols', 'const a = []; for (let i = 0;; i++) a.push(Symbol("s" + i))'],
    ['pushing compiled functions', 'const a = []; for (let i = 0;; i++) a.push(new Function("return " + i))'],
    [
      'pushing regular expressions',
      'const a = []; for (let i = 0;; i++) { const r = new RegExp("a" + i); r.test("b"); a.push(r) }',
    ],
    ['pushing promises', 'const a = []; for (;;) a.push(new Promise(() => {}).then(() => {}))'],
    ['pushing doubles', 'const a = []; for (;;) a.push(1.5)'],
    ['pushing BigInts', 'const a = []; for (let i = 0n;; i++) a.push(i << 1000n)'],
    ['pushing dates', 'const a = []; for (;;) a.push(new Date())'],
    ['pushing proxies', 'const a = []; for (;;) a.push(new Proxy({}, {}))'],
    [
      'pushing generators',
      'function* g() { yield 1 } const a = []; for (;;) { const x = g(); x.next(); a.push(x) }',
    ],
    ['pushing WeakRefs', 'const a = []; for (;;) a.push(new WeakRef({}))'],
    ['pushing error stacks', 'const a = []; for (;;) { const e = new Error("x"); e.stack; a.push(e) }'],
    ['one Map that grows', 'const m = new Map(); for (let i = 0;; i++) m.set(i, i)'],
    ['one Set that grows', 'const s = new Set(); for (let i = 0;; i++) s.add(i)'],
    ['one object that grows', 'const o = {}; for (let i = 0;; i++) o["k" + i] = i'],
    ['one object that grows by numbers', 'const o = {}; for (let i = 0;; i += 1000) o[i] = i'],
    ['globals that grow', 'for (let i = 0;; i++) globalThis["g" + i] = i'],
    ['registered symbols', 'for (let i = 0;; i++) Symbol.for("s".repeat(100) + i)'],
    [
      'promises kept by microtasks',
      'const f = () => { Promise.resolve().then(f); Promise.resolve().then(f) }; f(); await new Promise(() => {})',
    ],
    [
      'catching the shortage and going on',
      'const a = []; for (;;) try { for (;;) a.push({}) } catch {} finally { a.push([]) }',
    ],
    [
      'growing in finally after the stop',
      'const a = []; try { for (;;) a.push([1]) } finally { for (;;) a.push([2]) }',
    ],
    [
      'growing in a finalizer-like generator return',
      'function* g() { try { yield 1 } finally { const a = []; for (;;) a.push({}) } } for (const x of g()) break',
    ],
    [
      'endless input of as_settled()',
      'as_settled({ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }) }) })',
    ],
  ],
  { limits: { wallMs: 60_000 } },
);

const atOnce = programs(
  anyEnd,
  [
    ['a doubled string', 'let s = "x"; for (;;) s += s'],
    ['a repeated string of 2^29', 'const s = "x".repeat(2 ** 29 - 25); text(s.length); s.charCodeAt(5)'],
    ['a flattened string of 2^28', 'const s = "xy".repeat(2 ** 27); JSON.stringify(s); s + s'],
    [
      'two-byte strings of 2^28',
      'const a = []; for (;;) a.push(("\\u{1F600}".repeat(2 ** 24)).split("").join("-"))',
    ],
    ['spreading a huge array', 'const a = [...new Array(2 ** 27)]; a.length'],
    ['spreading into arguments', 'Math.max(...new Array(1e7).fill(1))'],
    ['Function.prototype.apply with a huge length', 'Math.max.apply(null, { length: 2 ** 27 })'],
    ['Array.from({ length: 1e9 })', 'Array.from({ length: 1e9 })'],
    ['new Array(2 ** 26).fill(1.1)', 'new Array(2 ** 26).fill(1.1)'],
    ['new Array(2 ** 25).fill() kept in a loop', 'const a = []; for (;;) a.push(new Array(2 ** 25).fill(1))'],
    ['new Array(1e9)', 'const a = new Array(1e9); a[0] = 1; a[5e8] = 2'],
    [
      'new Array(2 ** 32 - 1) kept',
      'const a = []; for (let i = 0; i < 1e6; i++) a.push(new Array(2 ** 32 - 1))',
    ],
    ['concat of huge arrays', 'let a = new Array(1e6).fill(0); for (;;) a = a.concat(a)'],
    ['Array.prototype.flat of many', 'const a = new Array(1e6).fill(0); new Array(1e5).fill(a).flat()'],
    [
      'splice of a huge array',
      'const a = new Array(2e6).fill(1); for (;;) a.splice(0, 0, ...a.slice(0, 1e5))',
    ],
    ['structures through JSON.parse', 'JSON.parse("[" + "[],".repeat(2e7) + "1]")'],
    [
      'JSON.parse of huge numbers of keys',
      'JSON.parse("{" + Array.from({ length: 3e5 }, (_, i) => `"k${i}":${i}`).join() + "}"); let s = JSON.stringify("x".repeat(1e7)); for (;;) s = JSON.stringify(s)',
    ],
    [
      'JSON.stringify of a shared tree',
      'let o = {}; for (let i = 0; i < 40; i++) o = { a: o, b: o }; JSON.stringify(o)',
    ],
    ['a shared tree given to text()', 'let o = {}; for (let i = 0; i < 40; i++) o = { a: o, b: o }; text(o)'],
    [
      'a shared tree given to a tool',
      'let o = {}; for (let i = 0; i < 40; i++) o = { a: o, b: o }; await tools.echo(o)',
    ],
    [
      'a shared tree given to store()',
      'let o = {}; for (let i = 0; i < 40; i++) o = { a: o, b: o }; store("o", o)',
    ],
    ['captures of a huge match', '"a".repeat(2 ** 24).match(/(.)/g).length'],
    [
      'a regular expression of many captures',
      'const r = new RegExp("(a)?".repeat(30_000)); for (;;) r.exec("a".repeat(1e4))',
    ],
    ['split of a huge string', '"a,".repeat(2 ** 26).split(",")'],
    ['Object.keys of a huge string', 'Object.keys("x".repeat(2 ** 27))'],
    ['Object.entries of a huge string', 'Object.entries("x".repeat(2 ** 27))'],
    ['getOwnPropertyDescriptors of a huge string', 'Object.getOwnPropertyDescriptors("x".repeat(2 ** 26))'],
    ['a replacement that multiplies', '"a".repeat(2 ** 20).replace(/a/g, "$`")'],
    ['a source that is huge', 'eval("[" + "1,".repeat(2e7) + "]")'],
    [
      'an object literal that is huge',
      'eval("({" + Array.from({ length: 1e6 }, (_, i) => "k" + i + ":1").join() + "})")',
    ],
    [
      'a function of 65535 parameters',
      'Function(Array.from({ length: 65536 }, (_, i) => "p" + i).join(), "")',
    ],
    [
      'Intl.Segmenter and Collator kept',
      'const a = []; for (;;) a.push(new Intl.Collator("sv"), new Intl.Segmenter("ja").segment("x".repeat(1e5)))',
    ],
    [
      'Intl.PluralRules and ListFormat kept',
      'const a = []; for (;;) a.push(new Intl.PluralRules("ar"), new Intl.ListFormat("en"), new Intl.DisplayNames("en", { type: "region" }), new Intl.RelativeTimeFormat("de"))',
    ],
  ],
  { limits: { wallMs: 3000 } },
);

const buffers = programs(
  [...heapOrWall, ...thrown, 'completed'],
  [
    ['buffers of 100 MB in a loop', 'const a = []; for (;;) a.push(new ArrayBuffer(100e6))'],
    ['buffers of 100 MB dropped in a loop', 'for (;;) try { new ArrayBuffer(100e6) } catch {}'],
    ['buffers of 10 MB dropped in a loop', 'for (;;) new Uint8Array(10e6).fill(1)'],
    ['buffers of 1 byte kept', 'const a = []; for (;;) a.push(new ArrayBuffer(1))'],
    ['buffers of 0 bytes kept', 'const a = []; for (;;) a.push(new ArrayBuffer(0))'],
    ['new ArrayBuffer(2 ** 33)', 'new ArrayBuffer(2 ** 33)'],
    ['new ArrayBuffer(2 ** 53 - 1)', 'new ArrayBuffer(2 ** 53 - 1)'],
    ['new Float64Array(2 ** 32)', 'new Float64Array(2 ** 32)'],
    ['typed arrays kept', 'const a = []; for (;;) a.push(new Float64Array(1e5))'],
    ['transfer to a larger size', 'let b = new ArrayBuffer(8); for (;;) b = b.transfer(b.byteLength * 2)'],
    [
      'transfer back and forth',
      'let b = new ArrayBuffer(1e6); for (;;) b = b.transfer(b.byteLength === 1e6 ? 2e6 : 1e6)',
    ],
    ['slices of a buffer', 'const b = new ArrayBuffer(30e6), a = []; for (;;) a.push(b.slice(0))'],
    [
      'typed array species that lies',
      'class A extends Uint8Array { static get [Symbol.species]() { return function () { return new Uint8Array(1) } } } for (;;) try { new A(1e6).map((x) => x) } catch {}',
    ],
    [
      'a typed array shrunk while it is filled',
      'const b = new ArrayBuffer(1e6, { maxByteLength: 1e6 }); const a = new Uint8Array(b); a.fill({ valueOf() { b.resize(0); return 1 } }); a.sort(() => { b.resize(1e6); return 1 }); text(a.length)',
    ],
    [
      'a buffer detached while it is read',
      'const b = new ArrayBuffer(1e6); const a = new Uint8Array(b); a.set({ length: 1e6, get 0() { b.transfer(); return 1 } }); text(a.join().length)',
    ],
  ],
);

/** V8 reserves the address space of these past the isolate's allocator. */
const resizable = programs(
  heap,
  [
    [
      'a resizable buffer of the largest size',
      'const b = new ArrayBuffer(8, { maxByteLength: 2 ** 40 }); b.resize(2 ** 39)',
    ],
    [
      'a resizable buffer that grows',
      'const b = new ArrayBuffer(8, { maxByteLength: 2 ** 33 }); for (let n = 8; n <= 2 ** 33; n *= 2) { b.resize(n); new Uint8Array(b).fill(1) }',
    ],
    [
      'resizable buffers kept',
      'const a = []; for (;;) a.push(new ArrayBuffer(1, { maxByteLength: 2 ** 30 }))',
    ],
    [
      'resizable buffers kept while refusals are caught',
      'const a = []; for (;;) try { a.push(new ArrayBuffer(1, { maxByteLength: 2 ** 30 })) } catch {}',
    ],
    [
      'resizable buffers that reserve little and commit all',
      'const a = []; for (;;) { const b = new ArrayBuffer(0, { maxByteLength: 4e6 }); b.resize(4e6); new Uint8Array(b).fill(1); a.push(b) }',
    ],
    [
      'resizable buffers of nothing',
      'const a = []; for (;;) a.push(new ArrayBuffer(0, { maxByteLength: 0 }))',
    ],
    [
      'resizable buffers of a subclass',
      'class A extends ArrayBuffer {} const a = []; for (;;) a.push(new A(1, { maxByteLength: 2 ** 20 }))',
    ],
    [
      'resizable buffers of the constructor that a buffer names',
      'const A = new Uint8Array(1).buffer.constructor, a = []; for (;;) a.push(new A(1, { maxByteLength: 2 ** 20 }))',
    ],
    [
      'resizable buffers of the constructor that a stack trace names',
      `let A = ArrayBuffer; Error.prepareStackTrace = (e, frames) => frames;
       const look = () => { for (const f of new Error().stack) { const g = f.getFunction?.(); if (typeof g === "function" && g.name === "ArrayBuffer") A = g } };
       const target = function () {}.bind(); Object.defineProperty(target, "prototype", { get() { look(); return {} } });
       Reflect.construct(ArrayBuffer, [{ valueOf() { look(); return 1 } }, { get maxByteLength() { look(); return 8 } }], target);
       Error.prepareStackTrace = undefined; const a = []; for (;;) a.push(new A(1, { maxByteLength: 2 ** 30 }))`,
    ],
    [
      'resizable buffers whose maxByteLength changes',
      'let n = 0; const o = { get maxByteLength() { return n++ % 2 ? 2 ** 30 : 8 } }, a = []; for (;;) a.push(new ArrayBuffer(1, o))',
    ],
    [
      'resizable buffers moved by transfer()',
      'const a = []; for (;;) { let b = new ArrayBuffer(1, { maxByteLength: 2 ** 22 }); b = b.transfer?.(2) ?? b; a.push(b) }',
    ],
    ['resizable buffers dropped', 'for (;;) new ArrayBuffer(1, { maxByteLength: 2 ** 30 })'],
    ['refused typed arrays that are caught', 'for (;;) try { new Uint8Array(1e9) } catch {}'],
  ],
  { limits: { wallMs: 60_000 } },
);

/** Memory that V8's limit does not count. Only Linux tells whose it is. */
const uncounted = programs(
  process.platform === 'linux' ? heap : heapOrWall,
  [
    [
      'Intl formatters kept',
      'const a = []; for (;;) a.push(new Intl.DateTimeFormat("de", { dateStyle: "full" }), new Intl.NumberFormat("fr"))',
    ],
    [
      'Intl.Segmenter over texts kept',
      'const a = [], s = new Intl.Segmenter("ja"); for (;;) a.push(s.segment("x".repeat(1e5)))',
    ],
    ['a regular expression of 50 MB', 'new RegExp("ab|".repeat(17e6)).test("x")'],
  ],
  { limits: { wallMs: 60_000, heapMb: 32 } },
);

/** What takes V8's own memory in odd ways, and slowly. */
const odd = programs(
  [...anyEnd, 'failed OUTPUT_LIMIT'],
  [
    [
      'stack traces of thousands of frames kept',
      'Error.stackTraceLimit = Infinity; const a = []; function f(n) { if (n === 0) { a.push(new Error("x")); return } f(n - 1) } for (;;) f(3000)',
    ],
    ['a microtask queue that is never drained', 'const f = () => {}; for (;;) Promise.resolve().then(f)'],
    [
      'a FinalizationRegistry that grows',
      'const r = new FinalizationRegistry(() => {}); for (let i = 0;; i++) r.register({}, i)',
    ],
    [
      'a Map of many entries given to text() for ever',
      'const m = new Map(); for (let i = 0; i < 4e5; i++) m.set(i, i); for (;;) text(m)',
    ],
    [
      'a tool input of 2e5 keys for ever',
      'const o = {}; for (let i = 0; i < 2e5; i++) o["k" + i] = "x".repeat(100); for (;;) await tools.echo(o)',
    ],
    [
      'imports of ever new modules',
      'for (let i = 0;; i++) { try { await import("tools/" + i + ".js") } catch {} }',
    ],
    [
      '1e5 errors of 1,000 characters rejected',
      'for (const e of Array.from({ length: 1e5 }, () => new Error("x".repeat(1000)))) Promise.reject(e)',
    ],
    [
      'a Proxy of 1e6 keys given to text()',
      'const p = new Proxy({}, { ownKeys: () => Array.from({ length: 1e6 }, (_, i) => "k" + i), getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }) }); for (;;) text(p)',
    ],
    ['global names of 1 MB', 'const s = "a".repeat(2 ** 20); for (let i = 0;; i++) globalThis[s + i] = 1'],
    ['symbols of 100 KB in the registry', 'for (let i = 0;; i++) Symbol.for("x".repeat(1e5) + i)'],
    ['Intl.Locale kept', 'const a = []; for (;;) a.push(new Intl.Locale("de-DE-u-co-phonebk"))'],
    ['as_settled() generators kept', 'const a = []; for (;;) a.push(as_settled([new Promise(() => {})]))'],
    [
      'views of one buffer kept',
      'const b = new ArrayBuffer(1e6), a = []; for (;;) a.push(new Uint8Array(b))',
    ],
    [
      'strings of 256 MB in upper case kept',
      'let s = "x"; for (let i = 0; i < 28; i++) s += s; const a = []; for (;;) a.push(s.slice(1).toUpperCase())',
    ],
    ['BigInts of 30 million bits kept', 'const a = []; for (;;) a.push(BigInt(1) << 30000000n)'],
    [
      'large regular expressions kept',
      'const a = []; for (let i = 0;; i++) { const r = new RegExp("(?:" + "a?".repeat(2000) + ")" + i); r.exec("a".repeat(2000)); a.push(r) }',
    ],
  ],
  { limits: { wallMs: 3000 } },
);

const survivable = programs(
  ['completed'],
  [
    [
      'refused buffers that are caught',
      'let n = 0; for (let i = 0; i < 100; i++) try { new ArrayBuffer(2 ** 32) } catch (e) { n += e instanceof RangeError } text(n)',
    ],
    [
      'resizable buffers dropped that fit',
      'for (let i = 0; i < 500; i++) new ArrayBuffer(1, { maxByteLength: 2 ** 24 }).resize(100); text("done")',
    ],
    ['garbage', 'for (let i = 0; i < 200; i++) new Array(1e5).fill({}); text("done")'],
  ],
  { limits: { wallMs: 10_000 } },
);

export const memoryPrograms = [
  ...growing,
  ...atOnce,
  ...buffers,
  ...resizable,
  ...uncounted,
  ...odd,
  ...survivable,
];
