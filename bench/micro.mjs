// Micro-benchmarks of the public API, measured with mitata.
//
//   npm run bench -- --filter "tool call"
//
// First the variants of one exec, taking turns in one loop, because their ratios count: a pause of 5 ms goes before
// each, as a model's calls have one. Then single operations, one after the other.
import { setTimeout as sleep } from 'node:timers/promises';
import { measure } from 'mitata';
import { readFlags } from './support/flags.mjs';
import { importCodecell } from './support/package.mjs';
import { describeEnvironment, printHeading, printTable, ratio, time } from './support/report.mjs';
import { median, percentile } from './support/statistics.mjs';
import { echo, makeTools } from './support/tools.mjs';

const flags = readFlags({ filter: '', 'min-ms': 500, 'min-samples': 12, 'paced-samples': 150, json: false });
const { CodeModeService } = await importCodecell();
const environment = await describeEnvironment();

const PACE_MS = 5;
const TRIVIAL = 'text("ok");';
const MIB = 2 ** 20;
const observeToTheEnd = { yieldTimeMs: Infinity };
const makeText = (bytes) => 'The quick brown fox jumps over it.\n'.repeat(bytes / 35 + 1).slice(0, bytes);
const records = (bytes) =>
  Array.from({ length: Math.round(bytes / 96) }, (_, i) => ({
    id: i,
    name: `record ${i}`,
    tags: ['one', 'two'],
    score: i / 7,
    open: i % 2 === 0,
  }));

async function run(session, source, options = observeToTheEnd) {
  const outcome = await session.exec(source, options);
  if (outcome.status !== 'completed') throw new Error(`unexpected outcome: ${JSON.stringify(outcome.error)}`);
  return outcome;
}

/** Time between the first and the last of `count + 1` calls of the tool `tick`, per call, milliseconds. */
async function perCall(session, ticks, count, source) {
  ticks.length = 0;
  await run(session, source);
  return (ticks.at(-1) - ticks[0]) / count;
}

// Variants of the trivial exec.

async function pacedVariants(service) {
  const stored = { blob: makeText(10 * MIB) };
  const variants = [
    { name: 'no tools', session: service.createSession(), samples: [] },
    { name: '128 tools', session: service.createSession({ tools: makeTools(128) }), samples: [] },
    { name: '1,000 tools', session: service.createSession({ tools: makeTools(1000) }), samples: [] },
    {
      name: '10 MB stored, untouched',
      session: service.createSession({ storedValues: stored }),
      samples: [],
    },
  ];
  const warmUps = Math.min(10, flags['paced-samples']);
  for (let i = -warmUps; i < flags['paced-samples']; i++) {
    for (let n = 0; n < variants.length; n++) {
      const variant = variants[(n + i + warmUps) % variants.length];
      await sleep(PACE_MS);
      const start = performance.now();
      await run(variant.session, TRIVIAL);
      if (i >= 0) variant.samples.push(performance.now() - start);
    }
  }
  for (const { session } of variants) await session.close();
  return variants.map(({ name, samples }) => ({
    name,
    samples: samples.length,
    p50Ms: median(samples),
    p95Ms: percentile(samples, 0.95),
    bestMs: Math.min(...samples),
    ratio: median(samples) / median(variants[0].samples),
  }));
}

// Single operations: `title`, and `setUp(service)`, which gives what to measure. `paced` pauses before each; a function
// that gives a number has measured by itself, milliseconds.

const ticking = (service) => {
  const ticks = [];
  const tick = {
    name: 'tick',
    description: 'Counts.',
    execute: (input) => (ticks.push(performance.now()), input),
  };
  return { ticks, session: service.createSession({ tools: [tick, echo] }) };
};
const sequential = 'for (let i = 0; i <= 500; i++) await tools.tick({ value: 1 });';
const parallel = `for (let i = 0; i < 10; i++) {
  await Promise.all([tools.tick({ value: 1 }), ...Array.from({ length: 99 }, () => tools.echo({ value: 1 }))]);
}
await tools.tick({ value: 1 });`;

function through(value) {
  return {
    setUp(service) {
      const ticks = [];
      const session = service.createSession({
        tools: [
          { name: 'load', description: 'Gives the value.', execute: () => ({ value }) },
          {
            name: 'tick',
            description: 'Counts.',
            execute: (input) => (ticks.push(performance.now()), input),
          },
        ],
      });
      const source =
        'let value = await tools.load({}); for (let i = 0; i <= 3; i++) value = await tools.tick(value);';
      return { manual: () => perCall(session, ticks, 3, source) };
    },
  };
}

const jsonBothWays = (value) => ({
  setUp: () => ({
    bench: () => JSON.parse(JSON.stringify(JSON.parse(JSON.stringify({ value })))),
  }),
});

const text1 = makeText(MIB);
const text10 = makeText(10 * MIB);
const records10 = records(10 * MIB);

const operations = [
  {
    title: 'exec, warm isolate, paced',
    paced: true,
    setUp(service) {
      const session = service.createSession();
      return { bench: () => run(session, TRIVIAL) };
    },
  },
  {
    title: 'exec, back to back',
    setUp(service) {
      const session = service.createSession();
      return { bench: () => run(session, TRIVIAL) };
    },
  },
  {
    title: 'exec, pool of 0, paced',
    paced: true,
    setUp() {
      const service = new CodeModeService({ warmIsolates: 0 });
      const session = service.createSession();
      return { bench: () => run(session, TRIVIAL), tearDown: () => service.close() };
    },
  },
  {
    title: 'tool call, one after the other',
    setUp(service) {
      const { ticks, session } = ticking(service);
      return { manual: () => perCall(session, ticks, 500, sequential) };
    },
  },
  {
    title: 'tool call, 100 at once, each',
    setUp(service) {
      const { ticks, session } = ticking(service);
      return { manual: () => perCall(session, ticks, 1000, parallel) };
    },
  },
  {
    title: 'output item, one of 10,000',
    setUp(service) {
      const session = service.createSession();
      return {
        async manual() {
          const start = performance.now();
          await run(session, 'for (let i = 0; i < 10_000; i++) text("item");');
          return (performance.now() - start) / 10_000;
        },
      };
    },
  },
  ...[
    ['1 MB', text1],
    ['10 MB', text10],
  ].flatMap(([size, value]) => [
    {
      title: `${size} string in: exec whose source is that long`,
      paced: true,
      setUp(service) {
        const session = service.createSession();
        const source = `text(String(${JSON.stringify(value)}.length));`;
        return { bench: () => run(session, source) };
      },
    },
    {
      title: `${size} string in: exec that gets it from a tool`,
      paced: true,
      setUp(service) {
        const read = { name: 'read', description: 'Gives the text.', execute: () => value };
        const session = service.createSession({ tools: [read] });
        return { bench: () => run(session, 'text(String((await tools.read()).length));') };
      },
    },
    {
      title: `${size} string out: exec that makes it and puts it out`,
      paced: true,
      setUp(service) {
        const session = service.createSession();
        return { bench: () => run(session, `text("x".repeat(${value.length}));`) };
      },
    },
    { title: `${size} string through a tool and back`, ...through(value) },
    { title: `${size} string, JSON only, both ways (reference)`, ...jsonBothWays(value) },
  ]),
  { title: '10 MB of records through a tool and back', ...through(records10) },
  { title: '10 MB of records, JSON only, both ways (reference)', ...jsonBothWays(records10) },
  {
    title: 'exec that loads 10 MB stored',
    paced: true,
    setUp(service) {
      const session = service.createSession({ storedValues: { blob: text10 } });
      return { bench: () => run(session, 'text(String(load("blob").length));') };
    },
  },
  {
    title: 'exec that stores and loads a small value, 10 MB stored beside it',
    paced: true,
    setUp(service) {
      const session = service.createSession({ storedValues: { blob: text10 } });
      return { bench: () => run(session, 'store("small", { value: 1 }); load("small");') };
    },
  },
  {
    title: 'terminate a CPU loop',
    setUp(service) {
      let running;
      const ready = { name: 'ready', description: 'Says so.', execute: () => void running() };
      const session = service.createSession({ tools: [ready] });
      return {
        async manual() {
          const looping = new Promise((resolve) => (running = resolve));
          const { cellId } = session.start('tools.ready(); for (;;) {}');
          await looping;
          await sleep(2);
          const start = performance.now();
          const outcome = await session.terminate(cellId);
          const took = performance.now() - start;
          if (outcome.status !== 'terminated') throw new Error(`unexpected status: ${outcome.status}`);
          return took;
        },
      };
    },
  },
  {
    title: 'yield + wait',
    paced: true,
    setUp(service) {
      const session = service.createSession({ tools: [echo] });
      return {
        async bench() {
          const first = await session.exec('yield_control(); await tools.echo({}); text("ok");');
          if (first.status !== 'yielded') throw new Error(`unexpected status: ${first.status}`);
          let outcome = first;
          while (outcome.status === 'yielded') outcome = await session.wait(first.cellId);
          if (outcome.status !== 'completed') throw new Error(`unexpected status: ${outcome.status}`);
        },
      };
    },
  },
  ...[0, 128, 1000].map((count) => ({
    title: `session creation, ${count} tools`,
    setUp(service) {
      const tools = makeTools(count);
      const sessions = [];
      return {
        bench: () => void sessions.push(service.createSession({ tools })),
        tearDown: () => Promise.all(sessions.map((session) => session.close())),
      };
    },
  })),
  ...[128, 1000].map((count) => ({
    title: `description rendering, ${count} tools`,
    setUp(service) {
      const session = service.createSession({ tools: makeTools(count) });
      return { bench: () => void session.toolSpecs() };
    },
  })),
];

async function measureOperation(service, { paced, setUp }) {
  const { bench, manual, tearDown } = setUp(service);
  const options = {
    gc: globalThis.gc ?? false,
    min_cpu_time: flags['min-ms'] * 1e6,
    min_samples: flags['min-samples'],
    // Sessions are kept to the end of a benchmark.
    batch_threshold: 0,
  };
  const result = await measure(async function* () {
    if (manual) yield { manual: async () => (await manual()) * 1e6 };
    else if (paced) yield { 0: () => sleep(PACE_MS), bench: (_) => bench() };
    else yield bench;
  }, options);
  await tearDown?.();
  return {
    samples: result.samples.length,
    p50Ms: median(result.samples) / 1e6,
    p95Ms: percentile(result.samples, 0.95) / 1e6,
    p99Ms: percentile(result.samples, 0.99) / 1e6,
    bestMs: result.min / 1e6,
  };
}

const wanted = new RegExp(flags.filter, 'i');
const service = new CodeModeService({ limits: { heapMb: 512 } });
const variants = wanted.test('variants') ? await pacedVariants(service) : [];
const results = [];
for (const operation of operations.filter(({ title }) => wanted.test(title))) {
  results.push({ title: operation.title, ...(await measureOperation(service, operation)) });
}
await service.close();

const of = (title) => results.find((result) => result.title === title)?.p50Ms ?? NaN;
const ratios = {
  'tool call: one after the other / 100 at once':
    of('tool call, one after the other') / of('tool call, 100 at once, each'),
  '1 MB string through a tool / JSON only':
    of('1 MB string through a tool and back') / of('1 MB string, JSON only, both ways (reference)'),
  '10 MB string through a tool / JSON only':
    of('10 MB string through a tool and back') / of('10 MB string, JSON only, both ways (reference)'),
  '10 MB of records through a tool / JSON only':
    of('10 MB of records through a tool and back') / of('10 MB of records, JSON only, both ways (reference)'),
};

if (flags.json) {
  console.log(JSON.stringify({ benchmark: 'micro', environment, variants, results, ratios }, null, 2));
} else {
  printHeading('micro-benchmarks', environment);
  if (variants.length > 0) {
    printTable([
      ['trivial exec, paced 5 ms, taking turns', 'samples', 'p50', 'p95', 'best', 'vs first'],
      ...variants.map((one) => [
        one.name,
        one.samples,
        time(one.p50Ms),
        time(one.p95Ms),
        time(one.bestMs),
        ratio(one.ratio),
      ]),
    ]);
    console.log('');
  }
  printTable([
    ['operation', 'samples', 'p50', 'p95', 'p99', 'best'],
    ...results.map((one) => [
      one.title,
      one.samples,
      time(one.p50Ms),
      time(one.p95Ms),
      time(one.p99Ms),
      time(one.bestMs),
    ]),
  ]);
  const known = Object.entries(ratios).filter(([, value]) => Number.isFinite(value));
  if (known.length > 0) {
    console.log('');
    printTable([['ratio of medians', ''], ...known.map(([name, value]) => [name, ratio(value)])]);
  }
}
