import { anyEnd, anyFailure, done, heapOrWall, programs, thrown, wall } from '../program.js';

const loops = programs(wall, [
  ['an empty loop', 'while (true) {}'],
  ['a loop whose body allocates a constant', 'while (true) new Array(1000).fill({})'],
  ['nested loops', 'for (;;) for (let i = 0; i < 1e9; i++) for (let j = 0; j < 1e9; j++);'],
  ['a loop of try, catch and finally', 'for (;;) try { throw 1 } catch {} finally { continue }'],
  ['finally that loops after the end', 'try { for (;;); } finally { for (;;); }'],
  ['catch that goes on', 'function f() { try { for (;;); } catch { f() } finally { f() } } f()'],
  ['a generator without end', 'function* g() { for (;;) yield 1 } for (const x of g());'],
  ['an async generator without end', 'async function* g() { for (;;) yield 1 } for await (const x of g());'],
  ['awaiting for ever', 'for (;;) await 0'],
  ['an async function that awaits for ever, unawaited', '(async () => { for (;;) await 0 })()'],
  ['microtasks that beget microtasks', 'const f = () => { Promise.resolve().then(f) }; f()'],
  [
    'two promise chains that wake each other',
    'const a = () => { Promise.resolve().then(b) }, b = () => { Promise.resolve().then(a) }; a(); b(); await new Promise(() => {})',
  ],
  [
    'a thenable that resolves with itself anew',
    'const t = { then(resolve) { resolve({ then: t.then }) } }; await t',
  ],
  ['a loop in a timer', 'setTimeout(() => { for (;;); }); await new Promise(() => {})'],
  ['timers that set timers', 'const f = () => setTimeout(f, 0); f(); await new Promise(() => {})'],
  ['busy waiting by the clock', 'const end = Date.now() + 1e9; while (Date.now() < end);'],
  ['yield_control in a loop', 'for (;;) { yield_control(); await 0 }'],
  ['import() in a loop', 'for (;;) await import("tools.js").catch(() => {})'],
  ['failing import() in a loop', 'for (;;) try { await import("node:fs") } catch {}'],
  ['eval in a loop', 'for (let i = 0;; i++) eval("var x" + (i % 10) + " = 1")'],
  [
    'a loop optimized before it is stopped',
    'let s = 0; const f = (i) => (s = (s + i) | 0); for (let i = 0;; i++) f(i);',
  ],
  ['a labelled loop with switch', 'a: for (;;) switch (1) { case 1: continue a }'],
  ['a loop in a class static block', 'class A { static { for (;;); } }'],
  ['a loop in a decorator-like computed key', 'const o = { [(() => { for (;;); })()]: 1 }'],
  ['a loop in a destructuring default', 'const { a = (() => { for (;;); })() } = {}'],
  ['a loop in Symbol.iterator', 'const [a] = { [Symbol.iterator]() { for (;;); } }'],
  [
    'a loop in an iterator return()',
    'const it = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }), return() { for (;;); } }) }; for (const x of it) break',
  ],
  [
    'a loop in Symbol.dispose',
    'try { Function("{ using x = { [Symbol.dispose]() { for (;;); } } }")() } finally { for (;;); }',
  ],
  [
    'a loop over typed arrays',
    'const a = new Float64Array(1e5); for (;;) for (let i = 0; i < 1e5; i++) a[i] = i * 1.5',
  ],
]);

const conversions = programs(wall, [
  ['a Proxy trap that loops while text() reads', 'text(new Proxy({}, { ownKeys() { for (;;); } }))'],
  ['a getter that loops while text() reads', 'text({ get a() { for (;;); } })'],
  ['toJSON that loops', 'text({ toJSON() { for (;;); } })'],
  ['toJSON that loops in a tool input', 'await tools.echo({ toJSON() { for (;;); } })'],
  ['toJSON that loops in store()', 'store("k", { toJSON() { for (;;); } })'],
  ['toString that loops in a store() key', 'store({ toString() { for (;;); } }, 1)'],
  ['Symbol.toPrimitive that loops in load()', 'load({ [Symbol.toPrimitive]() { for (;;); } })'],
  ['valueOf that loops in a timer delay', 'setTimeout(() => {}, { valueOf() { for (;;); } })'],
  ['a getter that loops in image()', 'image({ get image_url() { for (;;); } })'],
  ['a getter that loops in generatedImage()', 'generatedImage({ get output_hint() { for (;;); } })'],
  ['an iterator that loops in content()', 'content({ *[Symbol.iterator]() { for (;;); } })'],
  ['a getter that loops in notify()', 'notify({ get a() { for (;;); } })'],
  ['then that loops in as_settled()', 'for await (const x of as_settled([{ then() { for (;;); } }]));'],
  ['a Proxy of text() that loops', 'new Proxy(text, { apply() { for (;;); } })(1)'],
  ['a sort comparator that loops', '[3, 2, 1].sort(() => { for (;;); })'],
  ['a replace callback that loops', '"aaa".replace(/a/g, () => { for (;;); })'],
  ['a JSON.parse reviver that loops', 'JSON.parse("[1]", () => { for (;;); })'],
  ['a JSON.stringify replacer that loops', 'JSON.stringify([1], () => { for (;;); })'],
  ['Symbol.hasInstance that loops', '({}) instanceof { [Symbol.hasInstance]() { for (;;); } }'],
]);

const regularExpressions = programs(anyEnd, [
  ['/^(a+)+$/', '/^(a+)+$/.test("a".repeat(40) + "b")'],
  ['backtracking with lookbehind', '/(?<=(a+)+)b/.test("a".repeat(30_000))'],
  ['backtracking with back references', '/(a*)*\\1*c/.test("a".repeat(40))'],
  ['backtracking in unicode sets', 'new RegExp("^([\\\\p{L}--[z]]+)+$", "v").test("a".repeat(40) + "1")'],
  ['a regular expression nested without end', 'new RegExp("(".repeat(1e6) + ")".repeat(1e6))'],
  [
    'counted repetitions of repetitions',
    'new RegExp("((((a{1000}){1000}){1000}){1000}){1000}").test("a".repeat(1e6))',
  ],
  ['matchAll of everything', 'for (;;) [..."a".repeat(1e5).matchAll(/(?:)/g)]'],
  ['split by the empty expression', 'for (;;) "a".repeat(1e6).split(/(?:)/)'],
]);

const numbers = programs(anyEnd, [
  ['a BigInt squared for ever', 'let x = 3n; for (;;) x *= x'],
  ['a BigInt power', 'text(String((7n ** (2n ** 24n)) % 10n))'],
  ['a BigInt as decimal text', '(1n << (2n ** 29n)).toString().length'],
  ['a BigInt of a long text', 'BigInt("9".repeat(5e7))'],
  ['BigInt division', 'const a = (1n << (2n ** 29n)) - 1n; for (;;) a / ((1n << (2n ** 28n)) + 12345n)'],
  ['BigInt.asUintN of the largest width', 'BigInt.asUintN(2 ** 53 - 1, -1n)'],
  ['toLocaleString of a huge BigInt', '(1n << (2n ** 24n)).toLocaleString("de")'],
]);

const recursion = programs(
  [...thrown, ...done, ...heapOrWall],
  [
    ['plain recursion', 'function f() { f() } f()'],
    ['recursion that catches its overflow', 'function f() { try { f() } catch { f() } } f()'],
    ['recursion through toJSON', 'const o = { toJSON() { return JSON.stringify(o) } }; text(o)'],
    ['recursion through toString', 'const o = { toString() { return "" + o } }; store(o, 1)'],
    ['recursion through a Proxy', 'const p = new Proxy({}, { get: (t, k) => p[k] }); p.x'],
    ['recursion through a getter of an error', 'const e = { get stack() { return e.stack } }; throw e'],
    [
      'recursion through prepareStackTrace',
      'Error.prepareStackTrace = () => new Error().stack; throw new Error("x")',
    ],
    [
      'recursion through Symbol.toPrimitive',
      'const o = { [Symbol.toPrimitive]: () => +o }; setTimeout(() => {}, o)',
    ],
    [
      'recursion through bound functions',
      'let f = () => {}; for (let i = 0; i < 1e6; i++) f = f.bind(null); f()',
    ],
    ['a chain of proxies', 'let p = {}; for (let i = 0; i < 1e6; i++) p = new Proxy(p, {}); p.x; text(p)'],
    [
      'a chain of proxied functions given to Array.isArray',
      'let p = []; for (let i = 0; i < 5e5; i++) p = new Proxy(p, {}); Array.isArray(p)',
    ],
    [
      'a chain of prototypes',
      'let o = {}; for (let i = 0; i < 3e5; i++) o = Object.create(o); o.x; for (const k in o); text(o)',
    ],
    ['nested arrays as text', 'let a = []; for (let i = 0; i < 3e5; i++) a = [a]; String(a)'],
    ['nested arrays given to text()', 'let a = []; for (let i = 0; i < 3e5; i++) a = [a]; text(a)'],
    [
      'nested arrays given to a tool',
      'let a = []; for (let i = 0; i < 3e5; i++) a = [a]; await tools.echo({ a })',
    ],
    [
      'nesting a tool can take but barely',
      'let a = []; for (let i = 0; i < 3e3; i++) a = [a]; await tools.echo({ a })',
    ],
    ['nested arrays given to store()', 'let a = []; for (let i = 0; i < 3e5; i++) a = [a]; store("a", a)'],
    ['nested arrays flattened', 'let a = []; for (let i = 0; i < 3e5; i++) a = [a]; a.flat(Infinity)'],
    [
      'JSON.parse of deep text',
      'JSON.parse("[".repeat(5e6) + "]".repeat(5e6)); JSON.parse("{\\"a\\":".repeat(2e6))',
    ],
    ['JSON.stringify of what was parsed deep', 'text(JSON.parse("[".repeat(5e5) + "]".repeat(5e5)))'],
    ['brackets parsed by eval', 'eval("(".repeat(5e6))'],
    ['nested functions parsed by Function', 'Function("(function(){".repeat(1e6))()'],
    ['nested templates parsed by eval', 'eval("`${".repeat(1e6))'],
    ['a long chain of operators', 'eval("1" + "+1".repeat(3e6))'],
    ['a long chain of member accesses', 'eval("a" + "?.b".repeat(2e6))'],
    ['a long chain of else if', 'eval("if (0); " + "else if (0); ".repeat(3e5))'],
    ['nested classes', 'let C = class {}; for (let i = 0; i < 1e5; i++) C = class extends C {}; new C()'],
    [
      'nested promises',
      'let p = Promise.resolve(1); for (let i = 0; i < 1e6; i++) p = Promise.all([p]); await p',
    ],
    [
      'a rope of strings flattened',
      'let s = "a"; for (let i = 0; i < 5e6; i++) s = "b" + s; s.charCodeAt(1); text(s.length)',
    ],
    [
      'errors that cause each other',
      'let e = new Error("0"); for (let i = 0; i < 3e5; i++) e = new Error(String(i), { cause: e }); throw e',
    ],
    ['an error that causes itself', 'const e = new Error("x"); e.cause = e; e.errors = [e]; throw e'],
    [
      'AggregateErrors nested',
      'let e = new Error("0"); for (let i = 0; i < 3e5; i++) e = new AggregateError([e]); throw e',
    ],
  ],
);

const endings = [
  ...programs(done, [
    ['exit() that is followed by a loop in finally', 'try { exit() } finally { for (;;); }'],
    ['exit() that is caught', 'try { exit() } catch {} for (;;);'],
    ['exit() in a getter of text()', 'text({ get a() { exit() } }); for (;;);'],
    ['exit() in a Promise executor', 'new Promise(() => exit()); for (;;);'],
    ['exit() in toJSON of a tool input', 'tools.echo({ toJSON() { exit() } }); for (;;);'],
    ['exit() in a sort comparator', '[2, 1].sort(() => exit()); for (;;);'],
    ['exit() in a timer', 'setTimeout(() => { exit() }); await new Promise(() => {})'],
    ['exit() a thousand times', 'for (let i = 0; i < 1000; i++) Promise.resolve().then(exit); exit()'],
    [
      'exit() in a FinalizationRegistry',
      'new FinalizationRegistry(() => exit()).register({}, 1); for (let i = 0; i < 20; i++) new Array(1e5).fill({})',
    ],
  ]),
  ...programs(anyFailure, [
    ['a module that throws at once', 'throw new Error("x")'],
    [
      'a module that throws in an import cycle',
      'import * as a from "tools.js"; import * as b from "tools.js"; throw a === b',
    ],
    [
      'prepareStackTrace that loops at the end',
      'Error.prepareStackTrace = () => { for (;;); }; throw new Error("x")',
    ],
    [
      'a FinalizationRegistry that loops',
      'new FinalizationRegistry(() => { for (;;); }).register({}, 1); for (;;) { new Array(1e5).fill({}); await new Promise((r) => setTimeout(r, 1)) }',
    ],
  ]),
  ...programs(['failed CPU_LIMIT'], [['a loop under cpuMs', 'for (;;);']], {
    limits: { cpuMs: 200, wallMs: 60_000 },
  }),
  ...programs(
    ['failed CPU_LIMIT', 'failed WALL_LIMIT'],
    [
      [
        'sleeping between bursts under cpuMs',
        'for (;;) { const end = Date.now() + 20; while (Date.now() < end); await new Promise((r) => setTimeout(r, 1)) }',
      ],
    ],
    { limits: { cpuMs: 200 } },
  ),
];

export const cpuPrograms = [
  ...loops,
  ...conversions,
  ...regularExpressions,
  ...numbers,
  ...recursion,
  ...endings,
];
