// Builds and runs the native fuzzers (libFuzzer with ASan and UBSan; CXX names a clang, clang++-19 by default):
//
//   npm run fuzz:native -- [--seconds 60] [--targets text_fuzz,audio_clip_fuzz] [--seed 1]
//
// `seconds` is for each target; 0 only runs the corpus again. Inputs start from native/fuzz/corpus/<target>; what a run
// adds goes to out/fuzz/corpus, what breaks a property to out/fuzz/findings (give such a file a name that says what it
// is and put it into native/fuzz/corpus: every later run begins with it). Exits with 1 when a target found something.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readFlags } from '../bench/support/flags.mjs';
import { root, run } from './addon.mjs';

const targets = readdirSync(join(root, 'native', 'fuzz'))
  .filter((file) => file.endsWith('_fuzz.cc'))
  .map((file) => file.slice(0, -'.cc'.length));
const flags = readFlags({ seconds: 60, targets, seed: 0 });

const folder = join(root, 'out', 'fuzz');
const findings = join(folder, 'findings');
const compiler =
  process.env.CXX ?? (spawnSync('clang++-19', ['--version']).status === 0 ? 'clang++-19' : 'clang++');
run('cmake', [
  ...['-S', root, '-B', join(folder, 'build'), '-DCODECELL_ADDON=OFF', '-DCODECELL_FUZZ=ON'],
  ...['-DCMAKE_BUILD_TYPE=RelWithDebInfo', `-DCMAKE_CXX_COMPILER=${compiler}`],
]);
run('cmake', ['--build', join(folder, 'build'), '--parallel', '--target', ...flags.targets]);
mkdirSync(findings, { recursive: true });

const rows = [];
for (const target of flags.targets) {
  const added = join(folder, 'corpus', target);
  mkdirSync(added, { recursive: true });
  const seeds = join(root, 'native', 'fuzz', 'corpus', target);
  const corpora = [added, seeds].filter((one) => existsSync(one));
  const options = [
    `-artifact_prefix=${join(findings, `${target}-`)}`,
    '-print_final_stats=1',
    '-max_len=4096',
  ];
  options.push(...(flags.seconds === 0 ? ['-runs=0'] : [`-max_total_time=${flags.seconds}`]));
  options.push('-timeout=10', '-rss_limit_mb=2048', `-seed=${flags.seed}`);
  const result = spawnSync(join(folder, 'build', target), [...options, ...corpora], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1' },
  });
  const last = (pattern) => [...result.stderr.matchAll(pattern)].at(-1)?.[1] ?? '?';
  const runs = last(/(?:stat::number_of_executed_units: +|^#)(\d+)/gm);
  rows.push(
    `${target}: ${runs} runs, ${last(/ cov: (\d+)/g)} edges, ${result.status === 0 ? 'nothing found' : 'FOUND SOMETHING'}`,
  );
  if (result.status !== 0) {
    console.error(result.stderr.split('\n').slice(-60).join('\n'));
    process.exitCode = 1;
  }
}
console.log(rows.join('\n'));
