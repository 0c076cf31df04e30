// What every peer is given: scripts that use nothing but the language, text() and tools.echo(), which all of them have.

const group = (name, rows) => rows.map(([attack, source]) => ({ group: name, attack, source }));

export const programs = [
  ...group('CPU', [
    ['an empty loop', 'for (;;);'],
    ['a loop whose body allocates a constant', 'while (true) new Array(1000).fill({})'],
    ['awaiting for ever', 'for (;;) await 0'],
    [
      'microtasks that beget microtasks',
      'const f = () => { Promise.resolve().then(f) }; f(); await new Promise(() => {})',
    ],
    ['a regular expression that backtracks', '/^(a+)+$/.test("a".repeat(40) + "b")'],
    ['toJSON that loops while a helper converts', 'text({ toJSON() { for (;;); } })'],
    ['a catch that goes on', 'function f() { try { for (;;); } catch { f() } finally { f() } } f()'],
    ['a BigInt power', 'let x = 3n; for (;;) x = x ** 3n'],
    ['deep recursion', 'const f = () => f() + 1; f()'],
    ['a script that waits for ever', 'await new Promise(() => {})'],
  ]),
  ...group('Memory', [
    ['pushing arrays', 'const a = []; for (;;) a.push(new Array(1000).fill(0))'],
    ['pushing closures', 'const a = []; for (let i = 0;; i++) a.push(() => i)'],
    ['a Map that grows', 'const m = new Map(); for (let i = 0;; i++) m.set(i, { i })'],
    ['a doubled string', 'let s = "x"; for (;;) s += s'],
    [
      'strings kept',
      'const a = []; for (let i = 0;; i++) a.push(("s" + i).repeat(1000).split("").join("-"))',
    ],
    ['new Array(2 ** 26).fill(1.1)', 'new Array(2 ** 26).fill(1.1)'],
    ['a replacement that doubles 256 MB', '"x".repeat(2 ** 28).replace(/x/g, "yy")'],
    ['Array.from({ length: 1e9 })', 'Array.from({ length: 1e9 })'],
    ['array buffers of 50 MB, filled and kept', 'const a = []; for (;;) a.push(new Uint8Array(5e7).fill(1))'],
    ['JSON.parse of a huge array', 'JSON.parse("[" + "[],".repeat(2e7) + "1]")'],
    ['promises kept', 'const a = []; for (;;) a.push(new Promise(() => {}).then(() => {}))'],
    ['text() of 1 MB without end', 'for (;;) text("x".repeat(1e6))'],
  ]),
  ...group('Builtins that do not look up', [
    ['indexOf over a length of 2^53', 'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)'],
    ['sort of 2^32 - 1 holes', 'const a = []; a.length = 2 ** 32 - 1; a.sort()'],
    ['String.raw of a length of 2^53', 'String.raw({ raw: { length: 2 ** 53 - 1 } })'],
    ['replaceAll in 2^27 characters', '"a".repeat(2 ** 27).replaceAll("a", "b")'],
    ['for in over a huge string', 'for (const k in "x".repeat(2 ** 27));'],
  ]),
  ...group('Thrown values', [
    ['toString that throws', 'throw { toString() { throw 1 } }'],
    ['a stack getter that loops', 'throw { get stack() { for (;;); } }'],
    ['a proxy whose traps throw', 'throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 1 } })'],
    ['an array of an object without prototype', 'throw [Object.create(null)]'],
    ['prepareStackTrace that loops', 'Error.prepareStackTrace = () => { for (;;); }; null.x'],
    ['a rejection with toString that throws', 'await Promise.reject({ toString() { throw 1 } })'],
  ]),
  ...group('Floods', [
    [
      '1,000 tool calls at once',
      'text((await Promise.all(Array.from({ length: 1000 }, (_, i) => tools.echo({ i })))).length)',
    ],
    ['100,000 tool calls, not awaited', 'for (let i = 0; i < 1e5; i++) tools.echo({ i }); text("done")'],
    ['a million outputs', 'for (let i = 0; i < 1e6; i++) text(i)'],
  ]),
  ...group('Escapes', [
    ['Function of a helper', 'text(String(text.constructor("return process")().env.HOSTILE_SECRET))'],
    [
      'Function of what a tool gives',
      'text(String((await tools.echo({})).constructor.constructor("return process")().env.HOSTILE_SECRET))',
    ],
  ]),
];
