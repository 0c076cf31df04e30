import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

function runBenchmark(script: string, ...flags: string[]): string {
  const command = ['--expose-gc', join(root, 'bench', script), ...flags];
  const result = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', timeout: 110_000 });
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
  return result.stdout;
}

/** The text of a table's line that begins so. */
function line(output: string, start: string): string | undefined {
  return output.split('\n').find((one) => one.startsWith(start));
}

const heading = /^# .+\n.*commit .+, Node v\d+\.\d+\.\d+, V8 \d+\..*\n.* load \d/;

describe('benchmarks', { timeout: 120_000 }, () => {
  test('exec_overhead prints a row for each scenario and tool count', () => {
    const output = runBenchmark(
      'exec-overhead.mjs',
      ...['--samples', '1', '--warm-iterations', '2', '--tool-counts', '0,3'],
    );
    expect(output).toMatch(heading);
    expect(line(output, 'scenario')).toMatch(
      /tools +samples +warmups +iters +mean\/exec .*p95\/exec +rssΔ p50 +rssΔ max/,
    );
    expect(output.match(/^cold_exec +[03] +1 +0 +1 /gm)).toHaveLength(2);
    expect(output.match(/^warm_exec +[03] +1 +1 +2 /gm)).toHaveLength(2);
  });

  test('exec_overhead gives JSON when asked for it', () => {
    const flags = ['--samples', '1', '--warm-iterations', '1', '--tool-counts', '0', '--json'];
    const report = JSON.parse(runBenchmark('exec-overhead.mjs', ...flags)) as Record<string, unknown>;
    expect(report).toMatchObject({
      benchmark: 'exec_overhead',
      environment: { node: process.version, v8: process.versions.v8 },
      results: [
        { scenario: 'cold_exec', tools: 0, samples: 1 },
        { scenario: 'warm_exec', tools: 0, samples: 1 },
      ],
    });
  });

  test('the trace benchmark prints what recording adds, beside the noise', () => {
    const flags = ['--samples', '2', '--blocks', '1', '--block-execs', '2', '--pause-ms', '0'];
    const output = runBenchmark('trace-record.mjs', ...flags);
    expect(output).toMatch(heading);
    expect(line(output, 'work')).toMatch(/off p50 +on p50 +on \/ off +off \/ off/);
    expect(output.match(/^(trivial exec|exec with .+), (paced|no pause) +[\d.]+ .s +/gm)).toHaveLength(6);
    expect(output).toMatch(/^0 events were dropped\.$/m);
  });

  test('the micro-benchmarks print their operations and ratios', () => {
    const flags = ['--min-ms', '1', '--min-samples', '1', '--paced-samples', '2'];
    const output = runBenchmark(
      'micro.mjs',
      ...flags,
      ...[
        '--filter',
        '^variants|^exec, |tool call|^output|^1 MB|terminate|yield|session creation, 128|rendering, 128',
      ],
    );
    expect(output).toMatch(heading);
    expect(line(output, '1,000 tools')).toBeDefined();
    for (const title of [
      'exec, warm isolate, paced',
      'tool call, 100 at once, each',
      'terminate a CPU loop',
    ]) {
      expect(line(output, title)).toMatch(/\d (ns|us|ms)$/);
    }
    expect(line(output, 'tool call: one after the other / 100 at once')).toMatch(/\dx$/);
  });

  test('the load benchmark prints throughput and memory', () => {
    const output = runBenchmark(
      'load.mjs',
      ...[
        '--no-floor',
        '--seconds',
        '0',
        '--rounds',
        '1',
        '--concurrency',
        '1,4',
        '--cells',
        '20',
        '--isolates',
        '2',
        '--settle-ms',
        '0',
      ],
    );
    expect(output).toMatch(heading);
    expect(output.match(/^[14] +\d+ +\d+\/s/gm)).toHaveLength(2);
    expect(line(output, 'idle warm isolate')).toMatch(/MiB$/);
    expect(line(output, 'growth')).toMatch(/%$/);
  });

  test('the isolation benchmark prints a row for each kind of work, with its ratio', () => {
    const output = runBenchmark('isolation.mjs', '--rounds', '1', '--execs', '2', '--calls', '100');
    expect(output).toMatch(heading);
    for (const row of ['first exec', 'exec, warm', 'tool call, one', 'tool call, 100', '10 MB']) {
      expect(line(output, row)).toMatch(/\d (ns|us|ms) .*\dx$/);
    }
  });

  test('the comparison of hostile scripts says who survived what', () => {
    const flags = ['--peers', 'codecell', '--only', 'deep recursion', '--json'];
    const report = JSON.parse(runBenchmark('hostile.mjs', ...flags)) as Record<string, unknown>;
    expect(report).toMatchObject({
      peers: [{ name: 'codecell' }],
      rows: [
        {
          attack: 'deep recursion',
          results: { codecell: { verdict: 'survived', end: 'script error', lost: false } },
        },
      ],
    });
  });

  test.each([
    'exec-overhead.mjs',
    'micro.mjs',
    'native.mjs',
    'peers.mjs',
    'load.mjs',
    'isolation.mjs',
    'hostile.mjs',
  ])('%s refuses a flag it does not know', (script) => {
    const command = [join(root, 'bench', script), '--sample', '1'];
    const result = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' });
    expect(result.status).toBe(2);
    expect(result.stderr).toContain('unknown flag --sample');
  });

  const canBuild = ['cmake', 'c++'].every((tool) => spawnSync(tool, ['--version']).status === 0);
  test.skipIf(!canBuild)('the native benchmarks print their rows (needs CMake and a compiler)', () => {
    const output = runBenchmark('native.mjs', '--iterations', '3', '--first-samples', '1', '--rate-ms', '50');
    expect(output).toMatch(heading);
    for (const row of [
      'isolate',
      'context',
      'disposal',
      'compile a trivial module',
      'mailbox',
      'thread hand-over',
    ]) {
      expect(line(output, row)).toMatch(/\d (ns|us|ms)$/);
    }
    expect(line(output, 'helper installation: ')).toBeDefined();
  });
});
