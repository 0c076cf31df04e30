import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sessionLines } from '../../lib/cli/trace/show.js';
import { columnsOf } from '../../lib/cli/terminal-text.js';
import {
  buildTimeline,
  causalChain,
  payloadLookup,
  reduceBundle,
  TraceReducer,
  type PayloadLookup,
  type TraceManifest,
  type TraceState,
} from '../../lib/trace/index.js';
import { entitiesOf } from '../../lib/trace/analysis/entities.js';
import { BundleBuilder, execCall, message } from '../trace/bundle-builder.js';
import { corpusNote, damagedBundles, hasCorpus, minimalBundles, realBundles } from '../trace/corpus.js';
import { failedSession, spawningSession } from '../trace/failed-session.js';

const look = { colors: false, width: 80, full: false };

async function show(builder: BundleBuilder, options: Partial<typeof look> = {}): Promise<string> {
  const path = builder.write();
  const { state, diagnostics } = await reduceBundle(path);
  const lines = sessionLines(state, diagnostics, payloadLookup(path, state), { ...look, ...options });
  return lines.join('\n');
}

describe('the tree of a session', () => {
  test('shows failures first, then every call with its cell, nested calls, output and error', async () => {
    expect(await show(failedSession(new BundleBuilder()))).toBe(
      `
session rollout
completed, 20 ms, 1970-01-01 00:00:01 UTC, 2 failed
1 thread, 1 turn, 3 model calls, 1 cell, 1 nested call

✗ shop.look_up failed  nested-1, seq 13
    no such fruit

✗ cell 1 failed  code_cell:call_exec, seq 14
    Error: no price
        at exec_main.mjs:3:7

   +1 ms /root 18 ms  main
   +2 ms └─ turn 1 turn 16 ms
   +3 ms    ├─ user: How much is a plum?
   +3 ms    ├─ model model ask 1 ms
   +5 ms    ├─ ✗ exec call_exec → cell 1 failed 8 ms
            │  ├─ source
            │  │      1│ const found = await tools.look_up({ fruit: 'plum' })
            │  │      2│ text(found)
            │  │     >3│ throw new Error('no price')
   +7 ms    │  ├─ ✗ shop.look_up nested-1 failed 6 ms  {"fruit":"plum"}
            │  │    no such fruit
   +8 ms    │  ├─ yielded after 2 ms
            │  │    looking
  +14 ms    │  └─ error
            │       Error: no price
            │           at exec_main.mjs:3:7
  +10 ms    ├─ model model ask-again 1 ms
  +12 ms    ├─ ✗ wait call_wait failed 3 ms  → cell 1: failed
  +16 ms    └─ model model ask-last 1 ms
  +17 ms       └─ assistant: I could not find it.`.slice(1),
    );
  });

  test('has a tree per agent, and says why its model call failed', async () => {
    const text = await show(spawningSession(new BundleBuilder()));
    expect(text).toContain(
      '✗ model call of small-model failed  child-ask, seq 10\n    the provider is overloaded',
    );
    expect(text).toContain('✗ /root/worker failed 6 ms  child  "Ada", small-model');
    expect(text).toContain('The recording is not complete');
  });

  test('says of what has no end that it has none, and where the rest is lost', async () => {
    const text = await show(new BundleBuilder().begin().tool('call').event('brand_new'));
    expect(text).toContain('not ended, 3 ms');
    expect(text).toContain('? tool not ended  call, seq 3\n    no end was recorded');
    expect(text).toContain('The bundle has 1 problem:\n  error UNKNOWN_EVENT (line 4, seq 4):');
  });

  test('cuts long texts and heads unless everything is asked for', async () => {
    const long = Array.from({ length: 40 }, (_, index) => `line ${index + 1}`).join('\n');
    const make = () => {
      const builder = new BundleBuilder().begin().request('ask', [message(long), message('x'.repeat(150))]);
      return builder;
    };
    const text = await show(make());
    expect(text).toContain('… 36 more');
    expect(text).not.toContain('line 5\n');
    expect(text).toContain('xxx…');
    const whole = await show(make(), { full: true });
    expect(whole).toContain('line 40');
    expect(whole).toContain('x'.repeat(150));
  });

  test('shows the lines of a source around the one that failed', async () => {
    const builder = new BundleBuilder().begin().tool('call');
    const lines = Array.from({ length: 60 }, (_, index) => `step(${index + 1})`);
    builder.event('code_cell_started', {
      runtime_cell_id: '1',
      model_visible_call_id: 'call',
      source_js: lines.join('\n'),
    });
    const response = { Result: { content_items: [], error_text: 'Error: x\n    at exec_main.mjs:40:1' } };
    for (const type of ['code_cell_initial_response', 'code_cell_ended']) {
      const response_payload = builder.payload('tool_result', { response });
      builder.event(type, { runtime_cell_id: '1', status: 'failed', response_payload });
    }
    builder
      .endTool('call', 'failed')
      .request('ask', [])
      .response('ask', [execCall('call')]);
    const text = await show(builder);
    expect(text).toContain('>40│ step(40)');
    expect(text).toContain('39│ step(39)');
    expect(text).not.toContain('step(1)\n');
    expect(text).not.toContain('step(60)');
  });

  test('keeps to the width, also with wide characters', async () => {
    const builder = new BundleBuilder().begin();
    builder.request('ask', [
      message(`${'日本語'.repeat(40)}\n${'é😀'.repeat(60)}`),
      message('宽'.repeat(60)),
    ]);
    for (const width of [40, 80, 120]) {
      for (const line of (await show(builder, { width })).split('\n')) {
        expect(columnsOf(line)).toBeLessThanOrEqual(width);
      }
    }
  });

  test('lets no control character of the session through to the terminal', async () => {
    const nasty = 'a\x1b[31mred\x1b]0;title\x07\r\x9b2J\u202eb';
    const builder = new BundleBuilder()
      .begin()
      .request('ask', [message(nasty), message(`${nasty}\n${nasty}`)]);
    builder.tool(`call${nasty}`, { summary: { type: 'generic', label: nasty, input_preview: nasty } });
    for (const full of [false, true]) {
      const text = await show(builder, { full });
      expect(text).toContain('␛[31mred');
      expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    }
  });

  test('paints on a terminal, and says the same without', async () => {
    const plain = await show(failedSession(new BundleBuilder()));
    const painted = await show(failedSession(new BundleBuilder()), { colors: true });
    expect(painted).toContain('\x1b[31m✗ ');
    expect(painted.replace(/\x1b\[\d+m/g, '')).toBe(plain);
  });
});

const leaked = ['undefined', 'NaN', 'Infinity', '[object'];

/** Nothing of the program's own inside may be printed; a session may say such words itself. */
function expectReadable(
  state: TraceState,
  diagnostics: Parameters<typeof sessionLines>[1],
  payload: PayloadLookup,
  said: string,
): void {
  const text = sessionLines(state, diagnostics, payload, look).join('\n');
  for (const word of leaked) if (!said.includes(word)) expect(text).not.toContain(word);
  const { spans, rootSpanIds, byId } = buildTimeline(state);
  let reached = 0;
  const pending = [...rootSpanIds];
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    reached += 1;
    pending.push(...byId.get(id)!.childSpanIds);
  }
  expect(reached).toBe(spans.length);
  for (const { startedAtMs, shownUntilMs, durationMs } of spans) {
    expect(shownUntilMs).toBeGreaterThanOrEqual(startedAtMs);
    expect(durationMs ?? 0).toBeGreaterThanOrEqual(0);
  }
}

/** Files do not change while a test looks at every prefix. */
function remembering(lookup: PayloadLookup, values: Map<string, unknown>): PayloadLookup {
  return (id) => {
    if (id == null) return undefined;
    if (!values.has(id)) values.set(id, lookup(id));
    return values.get(id);
  };
}

function everythingIn(path: string): string {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((file) => readFileSync(join(file.parentPath, file.name), 'utf8')).join('\n');
}

const everyBundle = [...realBundles(), ...damagedBundles(), ...minimalBundles()];

describe.skipIf(!hasCorpus)(`recorded and damaged bundles${corpusNote}`, () => {
  test('are there', () => {
    expect(everyBundle.length).toBeGreaterThan(0);
  });

  test.each(everyBundle)(
    '$name is shown whole, and everything in it has a chain that ends',
    async ({ path }) => {
      const { state, diagnostics } = await reduceBundle(path);
      expectReadable(state, diagnostics, payloadLookup(path, state), everythingIn(path));
      for (const entity of entitiesOf(state)) {
        const { hops } = causalChain(state, entity);
        expect(hops[0]?.entity).toEqual(entity);
        for (const hop of hops) expect(hop.title).not.toMatch(/undefined|NaN/);
      }
    },
  );

  test.each(realBundles())('$name is shown after every event', ({ path }) => {
    const manifest = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')) as TraceManifest;
    const log = readFileSync(join(path, 'trace.jsonl'), 'utf8').trimEnd().split('\n');
    const readPayload = (reference: { path: string }) => readFileSync(join(path, reference.path), 'utf8');
    const reducer = new TraceReducer({ manifest, readPayload });
    const values = new Map<string, unknown>();
    const said = everythingIn(path);
    log.forEach((line, index) => {
      reducer.push(JSON.parse(line), { line: index + 1 });
      const state = reducer.state();
      expectReadable(state, reducer.diagnostics, remembering(payloadLookup(path, state), values), said);
    });
  });

  test('are shown when their log is cut anywhere', async () => {
    for (const { path } of realBundles().slice(0, 12)) {
      const folder = mkdtempSync(join(tmpdir(), 'codecell-cut-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      cpSync(path, folder, { recursive: true });
      const log = join(folder, 'trace.jsonl');
      const size = readFileSync(log).length;
      for (const part of [0.93, 0.71, 0.52, 0.31, 0.1, 0.01]) {
        truncateSync(log, Math.floor(size * part));
        const { state, diagnostics } = await reduceBundle(folder);
        expectReadable(state, diagnostics, payloadLookup(folder, state), everythingIn(folder));
      }
    }
  });
});
