import { anyFailure, done, programs, thrown, wall, type HostileProgram } from '../program.js';

const throwing: (readonly [string, string])[] = [
  ['toString that throws', '{ toString() { throw 1 } }'],
  ['toString that throws itself', '(() => { const o = { toString() { throw o } }; return o })()'],
  ['toString and valueOf that give objects', '{ toString: () => ({}), valueOf: () => ({}) }'],
  ['a proxy whose get throws', 'new Proxy({}, { get() { throw 1 } })'],
  ['a proxy whose every trap throws', 'new Proxy({}, new Proxy({}, { get() { throw 1 } }))'],
  [
    'a proxy of an error whose traps throw',
    'new Proxy(new Error("x"), { get() { throw 1 }, getPrototypeOf() { throw 2 }, has() { throw 3 } })',
  ],
  [
    'a revoked proxy',
    '(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()',
  ],
  [
    'a revoked proxy of a function',
    '(() => { const { proxy, revoke } = Proxy.revocable(() => {}, {}); revoke(); return proxy })()',
  ],
  ['an array of an object without prototype', '[Object.create(null)]'],
  ['an object without prototype', 'Object.create(null)'],
  ['a symbol', 'Symbol("s")'],
  ['an array of a symbol', '[Symbol("s")]'],
  ['a BigInt', '1n'],
  ['undefined', 'undefined'],
  ['null', 'null'],
  ['a function whose source is huge', 'eval("() => {" + " ".repeat(1e6) + "}")'],
  ['an error with a Symbol as name', 'Object.assign(new Error("x"), { name: Symbol("n") })'],
  ['an error with a Symbol as message', 'Object.assign(new Error("x"), { message: Symbol("m") })'],
  ['an error whose stack is a Symbol', 'Object.assign(new Error("x"), { stack: Symbol("s") })'],
  [
    'an error whose stack is a hostile object',
    'Object.assign(new Error("x"), { stack: { toString() { throw 1 } } })',
  ],
  [
    'an error whose message getter throws',
    'Object.defineProperty(new Error(), "message", { get() { throw 1 } })',
  ],
  ['an error whose name getter throws', 'Object.defineProperty(new Error(), "name", { get() { throw 1 } })'],
  [
    'an error whose stack getter throws',
    'Object.defineProperty(new Error(), "stack", { get() { throw 1 } })',
  ],
  ['an error without prototype', 'Object.setPrototypeOf(new Error("x"), null)'],
  [
    'an error whose prototype is a hostile proxy',
    'Object.setPrototypeOf(new Error("x"), new Proxy({}, { get() { throw 1 } }))',
  ],
  ['an error with a hostile cause', 'new Error("x", { cause: new Proxy({}, { get() { throw 1 } }) })'],
  ['an error with lone surrogates', 'new Error("\\uD800\\uDC00\\uD800 \\u0000")'],
  [
    'a subclass whose Symbol.toPrimitive throws',
    'new (class extends Error { [Symbol.toPrimitive]() { throw 1 } })("x")',
  ],
  ['an object whose Symbol.toStringTag throws', '{ get [Symbol.toStringTag]() { throw 1 } }'],
  ['an object whose constructor getter throws', '{ get constructor() { throw 1 } }'],
  [
    'an AggregateError with hostile members',
    'new AggregateError([{ toString() { throw 1 } }, Symbol("s")], "x")',
  ],
  [
    'an AggregateError whose errors getter throws',
    'Object.defineProperty(new AggregateError([]), "errors", { get() { throw 1 } })',
  ],
  ['the global object', 'globalThis'],
  ['tools', 'tools'],
  ['a module namespace', 'await import("tools.js")'],
  ['a generator that runs', '(function* () { yield 1 })()'],
  ['a thenable', '{ then(resolve) { resolve(1) } }'],
];

const looping: (readonly [string, string])[] = [
  ['toString that loops', '{ toString() { for (;;); } }'],
  ['a stack getter that loops', '{ get stack() { for (;;); } }'],
  [
    'an error whose stack getter loops',
    'Object.defineProperty(new Error(), "stack", { get() { for (;;); } })',
  ],
  [
    'an error whose message getter loops',
    'Object.defineProperty(new Error(), "message", { get() { for (;;); } })',
  ],
  ['an error whose name getter loops', 'Object.defineProperty(new Error(), "name", { get() { for (;;); } })'],
  ['a proxy whose get loops', 'new Proxy({}, { get() { for (;;); } })'],
  ['a proxy whose getPrototypeOf loops', 'new Proxy(new Error("x"), { getPrototypeOf() { for (;;); } })'],
  ['Symbol.toPrimitive that loops', '{ [Symbol.toPrimitive]() { for (;;); } }'],
  ['toString that exits', '{ toString() { exit() } }'],
  ['toString that grows', '{ toString() { const a = []; for (;;) a.push({}) } }'],
];

function variants(
  ends: readonly string[],
  rows: readonly (readonly [string, string])[],
  more?: Partial<HostileProgram>,
): HostileProgram[] {
  return rows.flatMap(([name, value]) =>
    programs(
      ends,
      [
        [`throw: ${name}`, `throw (${value})`],
        [`reject: ${name}`, `await Promise.reject((${value}))`],
      ],
      more,
    ),
  );
}

const elsewhere = [
  ...programs(thrown, [
    [
      'every hostile value in a timer',
      'setTimeout(() => { throw { toString() { throw 1 } } }); await new Promise(() => {})',
    ],
    [
      'a hostile value in a timer, as a proxy',
      'setTimeout(() => { throw new Proxy({}, { get() { throw 1 } }) }); await new Promise(() => {})',
    ],
    ['Object.prototype.toString that throws', 'Object.prototype.toString = () => { throw 1 }; throw {}'],
    [
      'Error.prototype.toString that throws',
      'Error.prototype.toString = () => { throw 1 }; throw new Error("x")',
    ],
    [
      'Error.prototype with hostile getters',
      'for (const k of ["name", "message", "stack", "constructor"]) Object.defineProperty(Error.prototype, k, { get() { throw 1 } }); throw new Error()',
    ],
    [
      'prepareStackTrace that throws',
      'Error.prepareStackTrace = () => { throw { toString() { throw 1 } } }; throw new Error("x")',
    ],
    [
      'prepareStackTrace that gives a hostile proxy',
      'Error.prepareStackTrace = () => new Proxy({}, { get() { throw 1 } }); throw new Error("x")',
    ],
    [
      'prepareStackTrace that gives a symbol',
      'Error.prepareStackTrace = () => Symbol("s"); throw new Error("x")',
    ],
    [
      'prepareStackTrace that is a hostile getter',
      'Object.defineProperty(Error, "prepareStackTrace", { get() { throw 1 } }); throw new Error("x")',
    ],
    [
      'stackTraceLimit that is hostile',
      'Object.defineProperty(Error, "stackTraceLimit", { get() { throw 1 } }); throw new Error("x")',
    ],
    ['stackTraceLimit without end', 'Error.stackTraceLimit = Infinity; const f = () => f(); f()'],
    [
      'errors of helpers with a hostile prototype',
      'Object.defineProperty(Error.prototype, "name", { set() { throw 1 } }); image(1)',
    ],
  ]),
  ...programs(anyFailure, [
    [
      'prepareStackTrace that grows',
      'Error.prepareStackTrace = () => { const a = []; for (;;) a.push({}) }; throw new Error("x")',
    ],
    ['prepareStackTrace that throws the same again', 'Error.prepareStackTrace = (e) => { throw e }; null.x'],
    [
      'prepareStackTrace that sets itself anew',
      'Error.prepareStackTrace = function f() { Error.prepareStackTrace = f; return new Error("y").stack }; throw new Error("x")',
    ],
  ]),
  ...programs(wall, [
    [
      'a syntax error under a looping prepareStackTrace',
      'Error.prepareStackTrace = () => { for (;;); }; try { eval("(") } catch (e) { e.stack }',
    ],
    [
      'a stack overflow under a looping prepareStackTrace',
      'Error.prepareStackTrace = () => { for (;;); }; const f = () => f(); try { f() } catch (e) { e.stack } for (;;);',
    ],
  ]),
  ...programs(
    done,
    [
      [
        'unhandled rejections of every hostile value',
        'for (const v of [{ toString() { throw 1 } }, new Proxy({}, { get() { throw 1 } }), [Object.create(null)], Symbol("s"), Object.defineProperty(new Error(), "stack", { get() { throw 1 } })]) Promise.reject(v)',
      ],
      [
        'toJSON that throws hostile values at every helper',
        'const v = { toJSON() { throw { toString() { throw 1 } } } }; for (const f of [text, notify, image, audio, content, generatedImage, (x) => store("k", x)]) try { f(v) } catch {} await tools.echo(v).catch(() => {})',
      ],
      [
        'revoked proxies at every helper',
        'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); for (const f of [text, notify, image, audio, content, generatedImage, load, setTimeout, clearTimeout, as_settled, (x) => store("k", x), (x) => store(x, 1), (x) => image("data:,", x), (x) => setTimeout(() => {}, x)]) try { f(proxy) } catch {} await tools.echo(proxy).catch(() => {}); await stream_settled(proxy, proxy).catch(() => {})',
      ],
      [
        'no arguments and odd receivers at every helper',
        'for (const f of [text, notify, image, audio, content, generatedImage, load, store, setTimeout, clearTimeout, as_settled, yield_control]) { for (const self of [undefined, null, 1, {}, globalThis, new Proxy({}, {})]) try { f.call(self) } catch {} try { new f() } catch {} try { Reflect.construct(f, [1], class {}) } catch {} try { class A extends f {} new A(1) } catch {} }',
      ],
    ],
    { limits: { wallMs: 5000 } },
  ),
  ...programs(
    ['completed', 'failed WALL_LIMIT'],
    [
      ['an unhandled rejection whose toString loops', 'Promise.reject({ toString() { for (;;); } })'],
      [
        'an unhandled rejection whose stack loops',
        'Promise.reject(Object.defineProperty(new Error(), "stack", { get() { for (;;); } }))',
      ],
      [
        'an unhandled rejection of a proxy that loops',
        'Promise.reject(new Proxy({}, { get() { for (;;); } }))',
      ],
    ],
  ),
];

export const thrownPrograms = [
  ...variants(thrown, throwing),
  ...variants([...anyFailure, ...done], looping),
  ...variants(thrown, throwing.slice(0, 8), { profile: 'codex' }).map((program) => ({
    ...program,
    name: `${program.name}, profile codex`,
  })),
  ...elsewhere,
];
