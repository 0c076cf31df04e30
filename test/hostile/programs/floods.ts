import { anyEnd, done, heapOrWall, programs, thrown } from '../program.js';

const output = [
  ...programs(
    ['failed OUTPUT_LIMIT', 'failed WALL_LIMIT'],
    [
      ['text() for ever', 'for (;;) text("x".repeat(1e6))'],
      ['tiny text() for ever', 'for (;;) text("")'],
      ['images for ever', 'for (;;) image("data:image/png;base64," + "A".repeat(1e5))'],
      ['audio for ever', 'for (;;) audio("data:audio/wav;base64," + "A".repeat(1e5))'],
      [
        'content() of an endless iterable',
        'content({ *[Symbol.iterator]() { for (;;) yield { type: "text", text: "x" } } })',
      ],
      [
        'resource blocks for ever',
        'for (;;) content({ type: "resource_link", uri: "u", name: "n", x: "y".repeat(1e5) })',
      ],
    ],
    { limits: { wallMs: 15_000 } },
  ),
  ...programs(done, [['1e6 output items', 'for (let i = 0; i < 1e6; i++) text(i)']], {
    limits: { wallMs: 15_000 },
  }),
  ...programs(
    ['failed OUTPUT_LIMIT', 'failed HEAP_LIMIT'],
    [
      ['text() of 500 MB', 'text("x".repeat(500e6))'],
      ['text() of 500 MB that is caught', 'try { text("x".repeat(500e6)) } catch {} text("after")'],
      ['text() of 500 MB in an object', 'text({ a: "x".repeat(500e6) })'],
      ['text() of a rope of 2^29', 'let s = "ab"; while (s.length < 2 ** 28) s += s; text(s)'],
      ['notify() of 500 MB', 'notify("x".repeat(500e6))'],
      ['image() of 500 MB', 'image("data:image/png;base64," + "A".repeat(500e6))'],
    ],
    { limits: { wallMs: 60_000 } },
  ),
];

const calls = [
  ...programs(
    ['failed TOOL_CALL_LIMIT', 'failed WALL_LIMIT', 'failed HEAP_LIMIT'],
    [
      ['notify() for ever', 'for (let i = 0;; i++) notify("n" + i)'],
      ['awaited tool calls for ever', 'for (;;) await tools.echo({})'],
      ['unawaited tool calls for ever', 'for (let i = 0;; i++) tools.echo({ i })'],
      ['tool calls that fail, unawaited, for ever', 'for (;;) tools.throwsString()'],
      ['unawaited calls of a tool that never settles', 'for (;;) tools.never()'],
      [
        'tool calls out of microtasks',
        'const f = () => { tools.echo({}); Promise.resolve().then(f) }; f(); await new Promise(() => {})',
      ],
      [
        'tool calls out of tool calls',
        'const f = async () => { for (;;) await Promise.all([tools.echo({}), tools.echo({})]) }; for (let i = 0; i < 100; i++) f(); await new Promise(() => {})',
      ],
    ],
    { limits: { wallMs: 15_000 } },
  ),
  ...programs(
    ['failed TOOL_CALL_LIMIT', 'failed HEAP_LIMIT'],
    [
      ['1e6 unawaited tool calls', 'for (let i = 0; i < 1e6; i++) tools.echo({ i }); text("done")'],
      ['1e6 notify', 'for (let i = 0; i < 1e6; i++) notify("n"); text("done")'],
    ],
    { limits: { wallMs: 30_000 } },
  ),
  ...programs(
    ['completed', 'failed WALL_LIMIT', 'failed HEAP_LIMIT'],
    [
      [
        '1e6 unawaited tool calls without toolCalls',
        'for (let i = 0; i < 1e6; i++) tools.echo({ i }); text("done")',
      ],
      ['1e6 notify without toolCalls', 'for (let i = 0; i < 1e6; i++) notify("n"); text("done")'],
    ],
    { limits: { wallMs: 15_000, toolCalls: 0 } },
  ),
  ...programs(
    ['completed', 'failed WALL_LIMIT', 'failed HEAP_LIMIT'],
    [
      [
        '1e5 awaited tool calls at once',
        'await Promise.all(Array.from({ length: 1e5 }, (_, i) => tools.echo({ i }))); text("done")',
      ],
    ],
    { limits: { wallMs: 15_000 } },
  ),
  ...programs(
    ['failed WALL_LIMIT'],
    [
      ['a tool that never settles', 'await tools.never()'],
      [
        'a thousand tools that never settle',
        'await Promise.all(Array.from({ length: 1000 }, () => tools.never()))',
      ],
    ],
  ),
  ...programs(
    ['failed TOOL_INPUT_LIMIT', 'failed HEAP_LIMIT'],
    [
      ['a tool input of 500 MB', 'await tools.echo({ a: "x".repeat(500e6) })'],
      [
        'a tool input of 500 MB that is caught',
        'try { await tools.echo({ a: "x".repeat(500e6) }) } catch {} text("after")',
      ],
      ['a tool input of 65 MB', 'await tools.echo({ a: "x".repeat(68e6) })'],
    ],
    { limits: { wallMs: 60_000 } },
  ),
  ...programs(
    ['completed', 'failed HEAP_LIMIT', 'failed WALL_LIMIT'],
    [
      [
        '40 tool inputs of 30 MB',
        'for (let i = 0; i < 40; i++) tools.never({ a: "x".repeat(30e6) }); text("done")',
      ],
    ],
    { limits: { wallMs: 10_000 } },
  ),
];

const answers = [
  ...programs(
    ['failed TOOL_RESULT_LIMIT', 'failed WALL_LIMIT'],
    [
      ['a tool result of 500 MB', 'await tools.hugeResult()'],
      ['a tool error of 200 MB', 'try { await tools.hugeError() } catch {} text("after")'],
      [
        'tool results of 70 MB, several, unawaited',
        'for (let i = 0; i < 4; i++) tools.largeResult(); await new Promise(() => {})',
      ],
    ],
    { limits: { wallMs: 15_000 } },
  ),
  ...programs(['completed'], [['a tool that settles twice', 'text(await tools.settlesTwice())']], {
    output: '1',
  }),
  ...programs(thrown, [
    ['a tool that throws a string', 'await tools.throwsString()'],
    ['a tool that throws null', 'await tools.throwsNull()'],
    ['a tool that throws undefined', 'await tools.throwsUndefined()'],
    ['a tool that throws a symbol', 'await tools.throwsSymbol()'],
    ['a tool that throws a BigInt', 'await tools.throwsBigInt()'],
    ['a tool that throws a hostile object', 'await tools.throwsHostile()'],
    ['a tool that throws a hostile proxy', 'await tools.throwsProxy()'],
    ['a tool that throws a revoked proxy', 'await tools.throwsRevoked()'],
    ['a tool whose result is circular', 'await tools.circular()'],
    ['a tool whose result is a BigInt', 'await tools.bigIntResult()'],
    ['a tool whose result is a function', 'await tools.functionResult()'],
    ['a tool whose result has a throwing getter', 'await tools.getterResult()'],
  ]),
  ...programs(done, [
    ['a tool whose result is deep', 'await tools.deepResult().catch(() => {})'],
    ['results after the cell ended', 'for (let i = 0; i < 100; i++) tools.late(); text("done")'],
    ['results after exit()', 'for (let i = 0; i < 100; i++) tools.late(); exit()'],
    [
      'failures of every kind, unawaited',
      'for (const name of Object.keys(tools)) if (name.startsWith("throws")) tools[name](); await tools.echo({})',
    ],
  ]),
];

const timers = [
  ...programs(
    done,
    [
      [
        '1e5 timers',
        'await Promise.all(Array.from({ length: 1e5 }, () => new Promise((r) => setTimeout(r, 1)))); text("done")',
      ],
      ['1e5 timers that stay', 'for (let i = 0; i < 1e5; i++) setTimeout(() => {}, 1e9); text("done")'],
      [
        'timers with odd delays',
        'for (const d of [NaN, -1, Infinity, -Infinity, 2 ** 53, 1e308, "x", null, undefined, {}, 1n < 2]) setTimeout(() => {}, d); await tools.echo({}); text("done")',
      ],
      [
        'timers cleared in odd ways',
        'for (const d of [NaN, -1, Infinity, 2 ** 64, "x", null, undefined, {}, [], true]) clearTimeout(d); const t = setTimeout(() => clearTimeout(t)); await new Promise((r) => setTimeout(r, 10)); text("done")',
      ],
    ],
    { output: 'done', limits: { wallMs: 10_000 } },
  ),
  ...programs(
    heapOrWall,
    [
      ['timers for ever', 'for (;;) setTimeout(() => {}, 1e9)'],
      [
        'timers that multiply',
        'const f = () => { setTimeout(f); setTimeout(f) }; f(); await new Promise(() => {})',
      ],
      ['timers that hold much', 'for (;;) setTimeout(() => {}, 1e9, new Array(1e4))'],
    ],
    { limits: { wallMs: 10_000 } },
  ),
];

const stored = [
  ...programs(
    ['failed STORE_LIMIT', ...heapOrWall],
    [
      ['store() for ever', 'for (let i = 0;; i++) store("k" + i, "x".repeat(1e6))'],
      ['small values stored for ever', 'for (let i = 0;; i++) store("k" + i, i)'],
      ['store() of 500 MB', 'store("k", "x".repeat(500e6))'],
      ['a key of 500 MB', 'store("x".repeat(500e6), 1)'],
      ['store() over and over', 'for (;;) store("k", "x".repeat(1e6))'],
    ],
    { limits: { wallMs: 10_000, storedBytes: 64 * 2 ** 20 } },
  ),
  ...programs(
    heapOrWall,
    [['load() of much, kept', 'store("k", Array(1e5).fill(1)); const a = []; for (;;) a.push(load("k"))']],
    { limits: { wallMs: 10_000 } },
  ),
];

const rejections = programs(
  anyEnd,
  [
    ['1e6 unhandled rejections', 'for (let i = 0; i < 1e6; i++) Promise.reject(i)'],
    ['unhandled rejections for ever', 'for (;;) { Promise.reject(new Error("x")); await 0 }'],
    [
      'unhandled rejections with messages of 10 MB',
      'for (let i = 0; i < 100; i++) Promise.reject(new Error("x".repeat(10e6)))',
    ],
    ['an error message of 500 MB', 'throw new Error("x".repeat(500e6))'],
    ['an error whose stack is 500 MB', 'const e = new Error(); e.stack = "x".repeat(500e6); throw e'],
    ['a thrown string of 500 MB', 'throw "x".repeat(500e6)'],
  ],
  { limits: { wallMs: 5000 } },
);

/** Texts that no limit of their own bounds: told by their length, or cut. */
const longTexts = programs(
  [...thrown, 'failed HEAP_LIMIT'],
  [
    ['an unsupported import of 500 MB', 'await import("x".repeat(500e6))'],
    ['a tool name of 500 MB', 'await tools["x".repeat(500e6)]()'],
    ['a symbol of 500 MB that is thrown', 'throw Symbol("x".repeat(500e6))'],
    ['an error name of 500 MB', 'const e = new Error(); e.name = "x".repeat(500e6); throw e'],
    ['a cause of 500 MB', 'throw new Error("x", { cause: "x".repeat(500e6) })'],
    ['an array of 500 MB that is thrown', 'throw ["x".repeat(250e6), "y".repeat(250e6)]'],
    ['a function of 10 MB that is thrown', 'throw Function("/*" + "x".repeat(10e6) + "*/")'],
    ['a toString of 500 MB', 'throw { toString: () => "x".repeat(500e6) }'],
    [
      'text() of an error of 500 MB that is caught',
      'try { text(Object.create(null)[Symbol("x".repeat(5e8))].x) } catch (e) { throw e }',
    ],
  ],
  { limits: { wallMs: 10_000 } },
);

const idle = programs(
  ['failed IDLE_LIMIT'],
  [
    ['a loop under idleMs', 'text("before"); for (;;);'],
    ['a tool that never settles under idleMs', 'await tools.never()'],
    ['microtasks under idleMs', 'for (;;) await 0'],
  ],
  { limits: { wallMs: 0, idleMs: 500 } },
);

export const floodPrograms = [
  ...output,
  ...calls,
  ...answers,
  ...timers,
  ...stored,
  ...rejections,
  ...longTexts,
  ...idle,
];
