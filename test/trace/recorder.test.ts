import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CodeModeService, type SessionOptions } from '../../lib/index.js';
import { createTraceRecorder, reduceBundle, type TraceRecorder } from '../../lib/trace/index.js';
import { gate, texts } from '../contract/support.js';
import { openRecorder, temporaryFolder } from './recording.js';

function openSession(options: SessionOptions) {
  const service = new CodeModeService({ warmIsolates: 1 });
  onTestFinished(() => service.close());
  return service.createSession(options);
}

interface LoggedEvent {
  seq: number;
  payload: Record<string, unknown> & { type: string };
}

function eventsOf({ path }: TraceRecorder): LoggedEvent[] {
  const lines = readFileSync(join(path, 'trace.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as LoggedEvent);
}

function allText({ path }: TraceRecorder): string {
  const payloads = readdirSync(join(path, 'payloads')).map((name) =>
    readFileSync(join(path, 'payloads', name), 'utf8'),
  );
  return [readFileSync(join(path, 'trace.jsonl'), 'utf8'), ...payloads].join('\n');
}

/** Process warnings of the recorder until the test ends. */
function traceWarnings(): string[] {
  const warnings: string[] = [];
  const listen = ({ name, message }: Error) => {
    if (name === 'CodecellTraceWarning') warnings.push(message);
  };
  process.on('warning', listen);
  onTestFinished(() => void process.off('warning', listen));
  return warnings;
}

const strict = async ({ path }: TraceRecorder) => (await reduceBundle(path, { strict: true })).state;

describe('a trace recorder', () => {
  test('writes the life of a nested call in the canonical order, requester and ids included', async () => {
    const recorder = openRecorder();
    const session = openSession({ tools: [{ name: 'echo', execute: (input) => input }], trace: recorder });
    await session.exec('text(await tools.echo({ a: 1 }))', { callId: 'call_1' });
    await recorder.close();
    expect(eventsOf(recorder).map(({ payload }) => payload.type)).toEqual([
      'rollout_started',
      'thread_started',
      'codex_turn_started',
      'inference_started',
      'inference_completed',
      'tool_call_started',
      'code_cell_started',
      'tool_call_started',
      'tool_call_runtime_started',
      'tool_call_runtime_ended',
      'tool_call_ended',
      'code_cell_initial_response',
      'code_cell_ended',
      'tool_call_ended',
      'inference_started',
      'inference_completed',
      'codex_turn_ended',
      'thread_ended',
      'rollout_ended',
      'recording_completed',
    ]);
    const [direct, nested] = eventsOf(recorder).filter(({ payload }) => payload.type === 'tool_call_started');
    expect(direct!.payload).toMatchObject({
      tool_call_id: 'call_1',
      model_visible_call_id: 'call_1',
      requester: { type: 'model' },
      kind: { type: 'other', name: 'exec' },
    });
    expect(nested!.payload).toMatchObject({
      model_visible_call_id: null,
      code_mode_runtime_tool_id: 'tool-1',
      requester: { type: 'code_cell', runtime_cell_id: '1' },
      kind: { type: 'other', name: 'echo' },
      summary: { type: 'generic', label: 'echo', input_preview: '{"a":1}' },
    });
    const state = await strict(recorder);
    expect(state.tool_calls['call_1']?.started_code_cell_id).toBe('code_cell:call_1');
  });

  test('records what failed, with its code and place', async () => {
    const recorder = openRecorder();
    await openSession({ trace: recorder }).exec('\nnull.x', { callId: 'call_1' });
    await recorder.close();
    const ended = eventsOf(recorder).find(({ payload }) => payload.type === 'code_cell_ended')!;
    const { path } = ended.payload['response_payload'] as { path: string };
    expect(JSON.parse(readFileSync(join(recorder.path, path), 'utf8'))).toMatchObject({
      response: { Result: { cell_id: '1', error_text: expect.stringContaining('TypeError') as string } },
      codecell: { status: 'failed', error: { code: 'SCRIPT_ERROR', line: 2 } },
    });
  });

  test('has written everything up to a flush, with nothing left out', async () => {
    const recorder = openRecorder();
    await openSession({ trace: recorder }).exec('text(1)');
    await recorder.flush();
    const { writtenEvents, queuedCharacters } = recorder.stats();
    expect(eventsOf(recorder)).toHaveLength(writtenEvents);
    expect(queuedCharacters).toBe(0);
    expect((await strict(recorder)).recording_complete).toBe(false);
  });

  test('has written a payload file before every event that refers to it, in whatever prefix is read', async () => {
    const recorder = openRecorder();
    const session = openSession({ tools: [{ name: 'echo', execute: (input) => input }], trace: recorder });
    await session.exec('for (let i = 0; i < 200; i++) await tools.echo(i)');
    await recorder.close();
    let highest = 0;
    for (const { payload } of eventsOf(recorder)) {
      for (const value of Object.values(payload)) {
        const path = (value as { path?: string } | null)?.path;
        if (path === undefined) continue;
        const number = Number(/\d+/.exec(path)![0]);
        // A payload that several events share was written for the first of them.
        expect(number).toBeLessThanOrEqual(highest + 1);
        highest = Math.max(highest, number);
        expect(existsSync(join(recorder.path, path))).toBe(true);
      }
    }
  });

  test('leaves out whole calls, never half ones, while too much waits', async () => {
    const recorder = openRecorder({ maxQueuedLength: 20_000 });
    const session = openSession({ tools: [{ name: 'echo', execute: (input) => input }], trace: recorder });
    const outcome = await session.exec(
      'await Promise.all(Array.from({ length: 500 }, (_, i) => tools.echo({ i, text: "x".repeat(1000) })))',
    );
    expect(outcome.toolCalls).toHaveLength(500);
    await session.exec('text(1)');
    await recorder.close();
    const { droppedEvents } = recorder.stats();
    expect(droppedEvents).toBeGreaterThan(0);
    const state = await strict(recorder);
    expect(Object.values(state.tool_calls).filter(({ execution }) => execution.status === 'running')).toEqual(
      [],
    );
  });

  test('goes on where it stopped when the files can be written again', async () => {
    const warnings = traceWarnings();
    const folder = temporaryFolder();
    const recorder = openRecorder({ directory: folder });
    await recorder.flush();
    // A folder where the next payload would go: a failure that may pass.
    const next = join(recorder.path, 'payloads', '2.json');
    mkdirSync(next);
    const session = openSession({ trace: recorder });
    await session.exec('text(1)');
    await recorder.flush();
    expect(recorder.stats().error).toMatch(/EISDIR/);
    await session.exec('text(2)');
    rmSync(next, { recursive: true });
    await recorder.close();
    expect(recorder.stats()).toMatchObject({ droppedEvents: 0, error: null });
    expect((await strict(recorder)).recording_complete).toBe(true);
    expect(warnings).toHaveLength(1);
  });

  // Only Linux has a device that is always full.
  test.skipIf(!existsSync('/dev/full'))('leaves a readable beginning when the disk is full', async () => {
    const recorder = openRecorder();
    const session = openSession({ tools: [{ name: 'echo', execute: (input) => input }], trace: recorder });
    await session.exec('text(1)');
    await recorder.flush();
    // The device that is always full stands in for the payload of the next call.
    const { writtenEvents } = recorder.stats();
    const used = readdirSync(join(recorder.path, 'payloads')).length;
    symlinkSync('/dev/full', join(recorder.path, 'payloads', `${used + 4}.json`));
    const outcome = await session.exec('text((await tools.echo({ a: "fine" })).a)');
    expect(texts(outcome)).toEqual(['fine']);
    await recorder.close();
    const { error, droppedEvents, writtenEvents: afterwards } = recorder.stats();
    expect(error).toMatch(/ENOSPC/);
    expect(droppedEvents).toBeGreaterThan(0);
    expect(afterwards).toBeGreaterThan(writtenEvents);
    expect(eventsOf(recorder)).toHaveLength(afterwards);
    expect((await strict(recorder)).recording_complete).toBe(false);
  });

  test('gives up, and harms nothing, when its folder disappears', async () => {
    const folder = temporaryFolder();
    const recorder = openRecorder({ directory: join(folder, 'traces') });
    const session = openSession({ trace: recorder });
    await recorder.flush();
    renameSync(join(folder, 'traces'), join(folder, 'gone'));
    expect(texts(await session.exec('text("fine")'))).toEqual(['fine']);
    await recorder.flush();
    expect(recorder.stats().error).toMatch(/ENOENT/);
    await session.exec('text(1)');
    await recorder.close();
    expect(existsSync(join(folder, 'traces'))).toBe(false);
  });

  test('gives up when its folder cannot be made', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const recorder = openRecorder({ directory: file });
    await openSession({ trace: recorder }).exec('text(1)');
    await recorder.close();
    expect(recorder.stats().error).toMatch(/ENOTDIR|EEXIST|ENOENT/);
    expect(recorder.stats().writtenEvents).toBe(0);
  });

  test('shows every text to the redaction hook, and records nothing when the hook fails', async () => {
    const source =
      'text("token-abc"); await tools.login({ password: "hunter2", deep: [{ key: "token-abc" }] })';
    const tools = [{ name: 'login', execute: () => ({ session: 'token-abc' }) }];
    const seen = new Set<string | null>();
    const recorder = openRecorder({
      redact: (text, { key }) => {
        seen.add(key);
        return key === 'password'
          ? '***'
          : text.replaceAll('token-abc', '[token]').replaceAll('hunter2', '[pw]');
      },
    });
    await openSession({ tools, trace: recorder }).exec(source);
    await recorder.close();
    expect(allText(recorder)).not.toMatch(/token-abc|hunter2/);
    expect([...seen]).toEqual(expect.arrayContaining(['source_js', 'input_preview', 'arguments', 'session']));
    const failing = openRecorder({
      redact: () => {
        throw new Error('no');
      },
    });
    await openSession({ tools, trace: failing }).exec(source);
    await failing.close();
    expect(allText(failing)).not.toMatch(/token-abc|hunter2/);
    expect(allText(failing)).toContain('[redaction failed]');
  });

  test('cuts long texts and replaces large payloads, saying how much was left out', async () => {
    const recorder = openRecorder({ maxTextLength: 100, maxPayloadLength: 2000 });
    const tools = [{ name: 'list', execute: () => Array.from({ length: 1000 }, (_, i) => i) }];
    await openSession({ tools, trace: recorder }).exec('text("x".repeat(500)); await tools.list()');
    await recorder.close();
    expect(allText(recorder)).toContain(`${'x'.repeat(100)}[400 more characters were not recorded]`);
    expect(allText(recorder)).toMatch(/"not_recorded":\{"reason":"too large","characters":\d+\}/);
    await strict(recorder);
  });

  test('survives the end of the process that never closed it', async () => {
    const folder = temporaryFolder();
    const library = (part: string) =>
      JSON.stringify(pathToFileURL(fileURLToPath(new URL(`../../dist/${part}`, import.meta.url))).href);
    const program = `
      import { CodeModeService } from ${library('index.js')};
      import { createTraceRecorder } from ${library('trace/index.js')};
      const recorder = createTraceRecorder({ directory: ${JSON.stringify(folder)} });
      const session = new CodeModeService().createSession({ trace: recorder });
      await session.exec('text(1)', { callId: 'call_1' });
      if (process.argv[1] === 'exit') process.exit(3);
      if (process.argv[1] === 'throw') throw new Error('crash');
    `;
    const statuses = ['exit', 'throw', 'end'].map((how) => {
      const args = ['--input-type=module', '--eval', program, how];
      return spawnSync(process.execPath, args, { timeout: 20_000 }).status;
    });
    expect(statuses).toEqual([3, 1, 0]);
    const bundles = readdirSync(folder);
    expect(bundles).toHaveLength(3);
    for (const bundle of bundles) {
      const { state } = await reduceBundle(join(folder, bundle), { strict: true });
      expect(Object.values(state.code_cells).map((cell) => cell.runtime_status)).toEqual(['completed']);
    }
  });

  test('can be closed twice, and ignores what comes later', async () => {
    const recorder = openRecorder();
    const session = openSession({ trace: recorder });
    await Promise.all([recorder.close(), recorder.close()]);
    await session.exec('text(1)');
    await recorder.flush();
    expect(recorder.stats().droppedEvents).toBeGreaterThan(0);
    expect((await strict(recorder)).recording_complete).toBe(true);
  });

  test('refuses options that are wrong', () => {
    const make = (options: object) => () => createTraceRecorder({ directory: 'x', ...options });
    expect(make({ directory: '' })).toThrow('directory must be the path of a folder');
    expect(make({ directroy: 'x' })).toThrow('did you mean `directory`?');
    expect(make({ threadId: 'main' })).toThrow('threadId must be a UUID');
    expect(make({ redact: 1 })).toThrow('redact must be a function');
    expect(() => openSession({ trace: {} as never })).toThrow('trace must be a trace recorder');
  });

  test('records sessions of several threads at once into one bundle', async () => {
    const recorder = openRecorder();
    const release = gate();
    const tools = [{ name: 'gate', execute: () => release.passed }];
    const threads = [
      recorder.root,
      recorder.root.startChild({ taskName: 'a' }),
      recorder.root.startChild({ taskName: 'a' }),
    ];
    const done = threads.map((trace) => openSession({ tools, trace }).exec('await tools.gate()'));
    release.open();
    await Promise.all(done);
    await recorder.close();
    const state = await strict(recorder);
    expect(
      Object.values(state.threads)
        .map(({ agent_path }) => agent_path)
        .sort(),
    ).toEqual(['/root', '/root/a', '/root/a_2']);
    expect(new Set(Object.values(state.code_cells).map((cell) => cell.thread_id)).size).toBe(3);
  });
});
