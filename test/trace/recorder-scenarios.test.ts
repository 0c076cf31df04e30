import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reduceBundle } from '../../lib/trace/index.js';
import { scenarios } from './recorded-scenarios.js';
import { record } from './recording.js';

describe('a recorded bundle', () => {
  test.each(scenarios)('of $name reduces strictly, complete and with nothing lost', async (scenario) => {
    const recorder = await record(scenario);
    const { state } = await reduceBundle(recorder.path, { strict: true });
    expect(state.recording_complete).toBe(true);
    const { dropped = 0 } = scenario;
    expect(recorder.stats()).toMatchObject({ droppedEvents: dropped, queuedCharacters: 0, error: null });
    const lines = readFileSync(join(recorder.path, 'trace.jsonl'), 'utf8').trimEnd().split('\n');
    expect(recorder.stats().writtenEvents).toBe(lines.length);
  });

  test.each(scenarios)('of $name has an end for everything that started', async (scenario) => {
    const recorder = await record(scenario);
    const { state } = await reduceBundle(recorder.path, { strict: true });
    const open = [
      ...Object.values(state.threads),
      ...Object.values(state.codex_turns),
      ...Object.values(state.inference_calls),
      ...Object.values(state.code_cells),
      ...Object.values(state.tool_calls),
      ...Object.values(state.compaction_requests),
    ].filter(({ execution }) => execution.status === 'running');
    expect(open).toEqual([]);
    expect(state.status).not.toBe('running');
  });
});
