import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { CodeModeService } from '../../lib/index.js';
import { createTraceRecorder, type TraceRecorder, type TraceRecorderOptions } from '../../lib/trace/index.js';
import type { Scenario } from './recorded-scenarios.js';

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'codecell-trace-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A recorder that is closed when the test ends, in a folder of its own. */
export function openRecorder(options: Partial<TraceRecorderOptions> = {}): TraceRecorder {
  const recorder = createTraceRecorder({ directory: temporaryFolder(), ...options });
  onTestFinished(() => recorder.close());
  return recorder;
}

/** Runs a scenario to its end; gives the closed recorder. */
export async function record({ options = {}, run }: Scenario, directory?: string): Promise<TraceRecorder> {
  const recorder = openRecorder({ ...options, ...(directory === undefined ? {} : { directory }) });
  const service = new CodeModeService({ warmIsolates: 1 });
  try {
    await run(recorder, service);
  } finally {
    await recorder.close();
    await service.close();
  }
  return recorder;
}
