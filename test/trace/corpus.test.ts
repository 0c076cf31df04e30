import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  reduceBundle,
  serializeState,
  TraceError,
  TraceReducer,
  type TraceManifest,
} from '../../lib/trace/index.js';
import { BundleBuilder } from './bundle-builder.js';
import {
  corpusNote,
  damagedBundles,
  hasCorpus,
  itemExamples,
  minimalBundles,
  realBundles,
  type RecordedBundle,
} from './corpus.js';

/** Damaged on purpose in a way that the recorded reducer follows and this one must not. */
const refusedForSafety = new Set(['payload-path-escape-existing']);

const bundles = [...realBundles(), ...damagedBundles(), ...minimalBundles()];
const accepted = bundles.filter(
  ({ name, stateFile }) => stateFile !== undefined && !refusedForSafety.has(name),
);
const refused = bundles.filter((bundle) => !accepted.includes(bundle));

describe.skipIf(!hasCorpus)(`recorded bundles${corpusNote}`, () => {
  test('are there', () => {
    expect(accepted.length).toBeGreaterThan(0);
    expect(refused.length).toBeGreaterThan(0);
  });

  test.each(accepted)('$name reduces strictly to the recorded state, byte for byte', async (bundle) => {
    const { state } = await reduceBundle(bundle.path, { strict: true });
    expect(serializeState(state)).toBe(readFileSync(bundle.stateFile!, 'utf8'));
  });

  test.each(accepted)('$name reduces leniently to the same state and extensions', async (bundle) => {
    const { state, diagnostics } = await reduceBundle(bundle.path);
    const { extensions, ...rest } = state;
    expect(extensions).toBeDefined();
    expect(serializeState(rest)).toBe(readFileSync(bundle.stateFile!, 'utf8'));
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  test.each(refused)('$name is refused strictly, with a problem', async (bundle) => {
    const error = await reduceBundle(bundle.path, { strict: true }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TraceError);
    expect((error as TraceError).code).toBe('INVALID_TRACE');
    expect((error as TraceError).problem).toMatch(/^[A-Z_]+$/);
  });

  test.each(refused)('$name gives a state and diagnostics leniently', async (bundle) => {
    const { state, diagnostics } = await reduceBundle(bundle.path);
    expect(state.extensions).toBeDefined();
    expect(diagnostics.length).toBeGreaterThan(0);
  });
});

describe.skipIf(!hasCorpus)(`the incremental reducer${corpusNote}`, () => {
  test('has bundles to look at', () => {
    expect(realBundles().length).toBeGreaterThan(0);
  });

  test.each(realBundles())('has the batch state after every prefix of $name', (bundle: RecordedBundle) => {
    const events = readFileSync(join(bundle.path, 'trace.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as unknown);
    const manifest = JSON.parse(readFileSync(join(bundle.path, 'manifest.json'), 'utf8')) as TraceManifest;
    const texts = new Map<string, string>();
    const create = (): TraceReducer =>
      new TraceReducer({
        manifest,
        readPayload: ({ path }) => {
          if (!texts.has(path)) texts.set(path, readFileSync(join(bundle.path, path), 'utf8'));
          return texts.get(path)!;
        },
      });
    const incremental = create();
    events.forEach((event, index) => {
      incremental.push(event, { line: index + 1 });
      const batch = create();
      events.slice(0, index + 1).forEach((each, line) => batch.push(each, { line: line + 1 }));
      expect(serializeState(incremental.state())).toBe(serializeState(batch.state()));
    });
  });
});

describe.skipIf(!hasCorpus)(`model items${corpusNote}`, () => {
  test('have recorded examples', () => {
    expect(itemExamples().length).toBeGreaterThan(0);
  });

  test.each(itemExamples())(
    '$name becomes the recorded item, or is refused',
    async ({ item, conversation_item, error }) => {
      const path = new BundleBuilder().begin().request('inference', [item]).write();
      const reduced = reduceBundle(path, { strict: true });
      if (error !== undefined) {
        await expect(reduced).rejects.toMatchObject({ problem: 'ITEM_UNSUPPORTED', seq: 3, line: 3 });
        return;
      }
      const { state } = await reduced;
      expect(Object.values(state.conversation_items)[0]).toMatchObject(conversation_item!);
    },
  );
});
