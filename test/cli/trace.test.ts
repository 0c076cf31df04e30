import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { commands } from '../../lib/cli/trace/commands.js';
import { reduceBundle, serializeState } from '../../lib/trace/index.js';
import { BundleBuilder } from '../trace/bundle-builder.js';
import { corpusNote, damagedBundles, hasCorpus, realBundles } from '../trace/corpus.js';
import { failedSession } from '../trace/failed-session.js';
import { run } from './command.js';

const build = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));

// The program under test is the built one; building is no work when it is current.
beforeAll(() => {
  execFileSync(process.execPath, [build, '--lib']);
}, 120_000);

const trace = (...args: string[]) => run(['trace', ...args]);
const failedBundle = () => failedSession(new BundleBuilder()).write();
/** Accepted leniently only. */
const gapBundle = () => {
  const builder = failedSession(new BundleBuilder());
  builder.events.splice(5, 1);
  return builder.write();
};

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'codecell-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('codecell trace reduce', () => {
  test('prints the strict state, byte for byte', async () => {
    const path = failedBundle();
    const { state } = await reduceBundle(path, { strict: true });
    const result = await trace('reduce', path, '--strict');
    expect(result).toEqual({ code: 0, signal: null, stdout: serializeState(state), stderr: '' });
  });

  test('prints what can be read of a damaged bundle, and what is wrong on standard error', async () => {
    const path = gapBundle();
    const result = await trace('reduce', path);
    expect(result.code).toBe(0);
    expect(JSON.parse(result.stdout)).toHaveProperty('extensions');
    expect(result.stderr).toContain('error SEQUENCE (line 6, seq 7): seq 6 was expected, not 7\n');
  });

  test('exits with 1, and prints no state, when strict mode refuses the bundle', async () => {
    const output = join(emptyFolder(), 'state.json');
    const result = await trace('reduce', gapBundle(), '--strict', '-o', output);
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toBe('error SEQUENCE (line 6, seq 7): seq 6 was expected, not 7\n');
    expect(existsSync(output)).toBe(false);
  });

  test('writes to a file', async () => {
    const path = failedBundle();
    const output = join(emptyFolder(), 'state.json');
    const result = await trace('reduce', path, '-o', output);
    expect(result).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
    const { state } = await reduceBundle(path);
    expect(readFileSync(output, 'utf8')).toBe(serializeState(state));
  });
});

describe('codecell trace verify', () => {
  test('accepts a good bundle', async () => {
    const path = failedBundle();
    expect(await trace('verify', path)).toMatchObject({ code: 0, stdout: `accepted ${path}\n`, stderr: '' });
  });

  test('lists what is wrong with several bundles, with line and seq, and exits with 1', async () => {
    const [good, bad] = [failedBundle(), gapBundle()];
    const { code, stdout } = await trace('verify', good, bad);
    expect(code).toBe(1);
    const lines = stdout.split('\n');
    expect(lines.slice(0, 3)).toEqual([
      `accepted ${good}`,
      `REFUSED  ${bad}`,
      '  error SEQUENCE (line 6, seq 7): seq 6 was expected, not 7',
    ]);
  });

  test('prints JSON when asked to', async () => {
    const path = gapBundle();
    const { code, stdout } = await trace('verify', path, '--json');
    expect(code).toBe(1);
    const [verdict] = JSON.parse(stdout);
    expect(verdict).toMatchObject({
      bundle: path,
      accepted: false,
      refusal: { severity: 'error', code: 'SEQUENCE', seq: 7, line: 6 },
    });
    expect(verdict.refusal.message).toBe('seq 6 was expected, not 7');
    expect(verdict.diagnostics[0]).toMatchObject({ severity: 'error', code: 'SEQUENCE', seq: 7, line: 6 });
  });
});

describe('codecell trace show', () => {
  test('prints the tree without colours into a pipe', async () => {
    const { code, stdout, stderr } = await trace('show', failedBundle());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('✗ cell 1 failed  code_cell:call_exec, seq 14\n    Error: no price\n');
    expect(stdout).toContain('├─ ✗ exec call_exec → cell 1 failed 8 ms\n');
    expect(stdout).not.toContain('\x1b');
  });

  test('prints whole texts with --full', async () => {
    const builder = new BundleBuilder().begin();
    const content = [{ type: 'input_text', text: 'long '.repeat(40) }];
    const input = ['user', 'developer'].map((role) => ({ type: 'message', role, content }));
    const path = builder.request('ask', input).write();
    expect((await trace('show', path)).stdout).not.toContain('developer');
    expect((await trace('show', path, '--full')).stdout).toContain('developer');
  });
});

describe('codecell trace why', () => {
  test('prints every hop with id, seq and payloads', async () => {
    const { code, stdout } = await trace('why', failedBundle(), 'nested-1');
    expect(code).toBe(0);
    expect(stdout).toBe(
      `
nested call of shop.look_up failed  +7 ms, seq 7
  id nested-1
  │ {"fruit":"plum"}
  read payloads/8.json (result)
↑ was called by
cell 1 failed  +6 ms, seq 6
  id code_cell:call_exec
  │ const found = await tools.look_up({ fruit: 'plum' })
  │ text(found)
  │ throw new Error('no price')
  read payloads/4.json (first response), payloads/9.json (end)
↑ was started by
call of exec completed  +5 ms, seq 5
  id call_exec
  read payloads/3.json (input)
↑ was asked for by
call call_exec  +4 ms, seq 4
  id conversation_item:2
  read payloads/2.json (response)
↑ was written by
model call of model completed  +3 ms, seq 3
  id ask
  answers user message (conversation_item:1)
  is part of turn (turn)
  read payloads/1.json (request), payloads/2.json (response)
This call of the model is where it began.
`.slice(1),
    );
  });

  test('prints JSON when asked to', async () => {
    const { stdout } = await trace('why', failedBundle(), 'cell 1', '--json');
    const { hops, end } = JSON.parse(stdout);
    expect(end).toBe('model_call');
    expect(hops.map((hop: any) => hop.entity.id)).toEqual([
      'code_cell:call_exec',
      'call_exec',
      'conversation_item:2',
      'ask',
    ]);
  });

  test('exits with 2 and names near ids when nothing has the id', async () => {
    const result = await trace('why', failedBundle(), 'call_exce');
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toBe(
      'codecell: UNKNOWN_ID: nothing in the trace has the id call_exce; the nearest: call_exec\n',
    );
  });

  test('exits with 2 and names what an ambiguous id stands for', async () => {
    const result = await trace('why', failedBundle(), 'call_');
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toBe(
      'codecell: AMBIGUOUS_ID: call_ stands for several things:\n' +
        '  call_exec  (call of exec)\n  call_wait  (call of wait)\n',
    );
  });
});

describe('codecell trace export', () => {
  test('prints OTLP with the messages of errors', async () => {
    const { code, stdout } = await trace('export', failedBundle(), '--otel');
    expect(code).toBe(0);
    const [{ scopeSpans }] = JSON.parse(stdout).resourceSpans;
    const cell = scopeSpans[0].spans.find((span: any) => span.name === 'cell 1');
    expect(cell.status).toEqual({ code: 2, message: 'Error: no price\n    at exec_main.mjs:3:7' });
  });

  test('writes trace events to a file', async () => {
    const output = join(emptyFolder(), 'trace.json');
    const result = await trace('export', failedBundle(), '--perfetto', '--output', output);
    expect(result).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
    expect(JSON.parse(readFileSync(output, 'utf8')).traceEvents.length).toBeGreaterThan(10);
  });

  test('needs one format', async () => {
    for (const flags of [[], ['--otel', '--perfetto']]) {
      const result = await trace('export', failedBundle(), ...flags);
      expect(result).toMatchObject({ code: 2, stdout: '' });
      expect(result.stderr).toContain('USAGE: `trace export` needs one of --otel and --perfetto');
    }
  });
});

describe('codecell trace', () => {
  test('lists its commands, and tells each one of its options', async () => {
    const { code, stdout } = await trace('--help');
    expect(code).toBe(0);
    expect((await run(['--help'])).stdout).toContain('codecell trace <command>');
    for (const { name, synopsis, summary } of commands) {
      expect(stdout).toContain(`  ${synopsis}\n      ${summary}\n`);
      const help = await trace(name, '--help');
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toContain(`Usage: codecell trace ${synopsis}\n`);
    }
  });

  test('exits with 2 for a command it does not know', async () => {
    const result = await trace('shwo', 'x');
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain('USAGE: there is no command `trace shwo`');
    expect(await trace()).toMatchObject({ code: 2, stdout: '' });
  });

  const needs: Record<string, string[]> = { why: ['call_exec'], export: ['--otel'] };

  test.each(commands)('$name exits with 2 and prints nothing for bad input', async ({ name }) => {
    const more = needs[name] ?? [];
    const folder = emptyFolder();
    const file = join(folder, 'trace.jsonl.txt');
    writeFileSync(file, '');
    const cases: [string[], RegExp][] = [
      [[join(folder, 'none'), ...more], /^codecell: NOT_FOUND: there is no folder /],
      [[folder, ...more], /^codecell: NOT_A_BUNDLE: .* has neither trace\.jsonl nor manifest\.json\n/],
      [[file, ...more], /^codecell: NOT_A_BUNDLE: .* is a file, and a bundle is a folder/],
      [[], /^codecell: USAGE: `trace \w+` needs a bundle/],
      [[folder, ...more, '--helq'], /^codecell: USAGE: there is no option --helq; did you mean --help\?\n/],
    ];
    for (const [args, expected] of cases) {
      const result = await trace(name, ...args);
      expect(result).toMatchObject({ code: 2, stdout: '' });
      expect(result.stderr).toMatch(expected);
    }
  });

  test('names the bundles that a folder holds', async () => {
    const folder = emptyFolder();
    renameSync(failedBundle(), join(folder, 'trace-1'));
    const result = await trace('show', folder);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(`it holds a bundle: ${join(folder, 'trace-1')}`);
  });

  test('exits with 2 when the output file cannot be written', async () => {
    const result = await trace('reduce', failedBundle(), '-o', join(emptyFolder(), 'none', 'state.json'));
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain('NOT_WRITABLE');
  });

  test('exits with 2 for an argument it has no use for', async () => {
    const result = await trace('show', failedBundle(), 'more');
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain('has no use for the argument more');
  });

  test('shows what is left of a bundle without a manifest, and of one without a log', async () => {
    const path = failedBundle();
    rmSync(join(path, 'manifest.json'));
    const withoutManifest = await trace('show', path);
    expect(withoutManifest.code).toBe(0);
    expect(withoutManifest.stdout).toContain('error MANIFEST');
    expect(withoutManifest.stdout).toContain('cell 1 failed');
    const other = failedBundle();
    rmSync(join(other, 'trace.jsonl'));
    mkdirSync(join(other, 'trace.jsonl'));
    const withoutLog = await trace('show', other);
    expect(withoutLog.code).toBe(0);
    expect(withoutLog.stdout).toContain('error LOG');
  });
});

describe.skipIf(!hasCorpus)(`codecell trace on recorded bundles${corpusNote}`, () => {
  test('reduces one to its recorded state, byte for byte', async () => {
    const bundle = realBundles().find(({ name }) => name.startsWith('nested-parallel/'))!;
    const { stdout, stderr } = await trace('reduce', bundle.path, '--strict');
    expect(stderr).toBe('');
    expect(stdout).toBe(readFileSync(bundle.stateFile!, 'utf8'));
  });

  test('verifies as recorded', async () => {
    // Damaged on purpose in a way that the recorded reducer follows and this one must not.
    const bundles = damagedBundles().filter(({ name }) => name !== 'payload-path-escape-existing');
    const { code, stdout } = await trace('verify', '--json', ...bundles.map(({ path }) => path));
    expect(code).toBe(1);
    const accepted = JSON.parse(stdout).map((verdict: any) => verdict.accepted);
    expect(accepted).toEqual(bundles.map(({ stateFile }) => stateFile !== undefined));
  });
});
