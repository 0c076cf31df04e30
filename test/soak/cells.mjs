// The cells of a soak: what each runs, what the host does with it, and the ends it may have.
import { execFileSync } from 'node:child_process';

// The table is TypeScript; another process reads it, so that nothing of that is left in this one.
const table = new URL('../hostile/programs/index.ts', import.meta.url).href;
const dump = `import { allPrograms } from ${JSON.stringify(table)}; console.log(JSON.stringify(allPrograms))`;
const allPrograms = JSON.parse(
  execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', dump], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  }),
);

/** The tools that the service of a soak offers. */
export const toolNames = ['echo', 'slow', 'never', 'fails'];

/** Which share of the cells is hostile, and which of those may cost a thread. */
const HOSTILE = 0.15;
const COSTLY = 0.02;

// What asks for much at once may lose its heap, or be at it still when its time is over and its thread is given up.
const MUCH_AT_ONCE = /\de[6-9]\b|2 \*\* [23]\d|\d{7}/;
const MUCH_AT_ONCE_NAMES = /BigInt|message getter|deep|huge|long|nested|million|MB/;

const WALL_MS = 150;
const HEAP_MB = 32;

const done = ['completed'];
const kinds = {
  compute: (random) => ({
    source: `let sum = 0; for (let i = 0; i < ${random.between(1, 1e5)}; i++) sum += i; text(sum)`,
    ends: done,
  }),
  output: (random) => ({
    source: `for (let i = 0; i < ${random.between(1, 200)}; i++) text("x".repeat(${random.between(1, 2000)})); image("data:image/png;base64,AAAA")`,
    ends: done,
  }),
  tools: (random) => ({
    source: `for (let i = 0; i < ${random.between(1, 10)}; i++) await tools.echo({ i });
      const many = await Promise.all(Array.from({ length: ${random.between(1, 50)} }, (_, i) => tools.slow({ i })));
      text(many.length); await tools.fails({}).catch((error) => text(error.message)); void tools.slow({})`,
    ends: done,
  }),
  stored: (random) => ({
    source: `store("k${random.between(0, 50)}", { at: ${random.between(0, 1e6)}, text: "v".repeat(${random.between(0, 5000)}) }); text(load("k${random.between(0, 50)}") ?? "none")`,
    ends: done,
  }),
  timers: (random) => ({
    source: `for (let i = 0; i < ${random.between(1, 20)}; i++) clearTimeout(setTimeout(() => {}, 5)); await new Promise((resolve) => setTimeout(resolve, ${random.between(0, 10)})); text("later")`,
    ends: done,
  }),
  notifies: (random) => ({
    source: `for (let i = 0; i < ${random.between(1, 20)}; i++) notify("n" + i); text("sent")`,
    ends: done,
  }),
  yields: () => ({
    source: `text(1); yield_control(); await tools.slow({}); text(2); yield_control(); await tools.slow({}); text(3)`,
    ends: done,
  }),
  exits: () => ({ source: 'store("e", 1); exit(); text("never")', ends: done }),
  buffers: (random) => ({
    source: `const a = new Uint8Array(${random.between(1, 4e6)}).fill(1); text(a.length)`,
    ends: done,
  }),
  modules: () => ({
    profile: 'default',
    source: 'const { echo } = await import("tools.js"); text(await echo({ a: 1 }))',
    ends: done,
  }),
  throws: () => ({ source: 'null.property', ends: ['failed SCRIPT_ERROR'] }),
  rejects: () => ({
    source: 'void Promise.reject(new Error("unhandled")); await tools.fails({})',
    ends: ['failed SCRIPT_ERROR'],
  }),
  syntax: () => ({ source: 'let let = 1', ends: ['failed SYNTAX_ERROR'] }),
  imports: () => ({ source: 'import "node:fs"', ends: ['failed UNSUPPORTED_IMPORT'] }),
  stalls: () => ({ profile: 'default', source: 'await new Promise(() => {})', ends: ['failed STALLED'] }),
  terminated: (random) => ({
    source: random.pick([
      'for (;;);',
      'for (;;) await tools.echo({})',
      'await tools.never({})',
      'for (;;) text(1)',
      'setTimeout(() => {}, 1e6); await new Promise(() => {})',
    ]),
    ends: ['terminated', 'failed OUTPUT_LIMIT', 'failed TOOL_CALL_LIMIT'],
    terminateAfterMs: random.between(0, 20),
  }),
  aborted: (random) => ({
    source: random.pick(['for (;;);', 'await tools.never({})', 'for (;;) notify("n")']),
    ends: ['terminated', 'failed TOOL_CALL_LIMIT'],
    abortAfterMs: random.between(1, 20),
  }),
};
const kindNames = Object.keys(kinds);

// Wall and heap limits are lower here than in the table, so either may come first; a script that is to complete has time.
const lower = ['failed WALL_LIMIT', 'failed HEAP_LIMIT'];
const hostile = allPrograms.flatMap(([group, programs]) =>
  programs
    .filter(({ source, before, toolNames: more }) => {
      const called = [...source.matchAll(/tools\.(\w+)/g)].map(([, name]) => name);
      return before === undefined && more === undefined && called.every((name) => toolNames.includes(name));
    })
    .map(({ name, source, ends, limits, profile }) => {
      const completes = ends.every((end) => end === 'completed');
      const own = completes ? { heapMb: 64, wallMs: 30_000 } : { heapMb: HEAP_MB, wallMs: WALL_MS };
      return {
        kind: `hostile: ${group}`,
        name,
        source,
        profile: profile ?? 'default',
        limits: { ...limits, ...own },
        ends: completes ? ends : [...ends, ...lower],
        costly:
          group === 'uninterruptible builtins' ||
          (group === 'memory' && ends.length > 1) ||
          MUCH_AT_ONCE.test(source) ||
          MUCH_AT_ONCE_NAMES.test(name),
      };
    }),
);
const cheap = hostile.filter(({ costly }) => !costly);
const costly = hostile.filter((program) => program.costly);

/** The next cell: `{ kind, name, source, ends }` and what to do with it. `mayCost` allows it to cost a thread. */
export function nextCell(random, mayCost) {
  if (random.chance(HOSTILE)) {
    return random.pick(mayCost && random.chance(COSTLY / HOSTILE) ? costly : cheap);
  }
  const kind = random.pick(kindNames);
  const profile = random.chance(0.2) ? 'codex' : 'default';
  const cell = kinds[kind](random);
  // Profile codex has no modules, and waits for what never comes.
  return { kind, name: kind, limits: { wallMs: 60_000 }, ...cell, profile: cell.profile ?? profile };
}
