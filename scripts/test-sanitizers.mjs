// The addon under AddressSanitizer and UBSan (clang, Linux): npm run test:sanitizers [-- vitest filters ...]
//
// Builds an instrumented addon with CMake into a copy of this package in out/sanitized, and runs there, with clang's run-time
// library preloaded into node: the contract and lifecycle tests, a part of the hostile ones, random programs, and last a
// program under LeakSanitizer. V8 itself is not instrumented: what is checked is our code, and what it hands to V8. Filters
// after `--` replace the tests that run. CXX names the compiler, clang++-19 by default. Exits with 1 when anything failed.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, run } from './addon.mjs';
import { findNodeDir } from './node-headers.mjs';

// Measures memory, of which the sanitizer keeps much; and host processes, whose environment has no preloaded library.
const EXCLUDED = ['test/lifecycle/many-cells.test.ts', 'test/lifecycle/host-*.test.ts'];
const TESTS = ['test/contract', 'test/lifecycle'];
// Hostile programs by their names: those that stop, break or throw in odd places. Others measure memory and time.
const HOSTILE =
  'throw: |reject: |a loop|getter that loops|toJSON that loops|revoked|species|overwritten|pollut';

const headers = findNodeDir();
if (headers === undefined) throw new Error('no C++ headers of this Node: name them with npm_config_nodedir');
const compiler =
  process.env.CXX ?? (spawnSync('clang++-19', ['--version']).status === 0 ? 'clang++-19' : 'clang++');
const build = join(root, 'out', 'sanitized-addon');
const folder = join(root, 'out', 'sanitized');
const reports = join(folder, 'reports');

run('cmake', [
  ...['-S', root, '-B', build, '-DCODECELL_ADDON=ON', '-DCODECELL_SANITIZE=address,undefined'],
  ...['-DCMAKE_BUILD_TYPE=RelWithDebInfo', `-DCMAKE_CXX_COMPILER=${compiler}`],
  `-DCMAKE_JS_INC=${join(headers, 'include', 'node')}`,
]);
run('cmake', ['--build', build, '--target', 'codecell', '--parallel']);
run(process.execPath, [join(root, 'scripts', 'build.mjs'), '--lib']);

rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, 'build', 'Release'), { recursive: true });
mkdirSync(reports);
const copied = ['lib', 'dist', 'docs', 'test', 'bench', 'scripts', 'package.json', 'tsconfig.json'];
for (const name of [...copied, 'vitest.config.ts', 'vitest.hostile.config.ts'])
  cpSync(join(root, name), join(folder, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
copyFileSync(join(build, 'codecell.node'), join(folder, 'build', 'Release', 'codecell.node'));

const library = spawnSync(compiler, ['-print-file-name=libclang_rt.asan-x86_64.so'], { encoding: 'utf8' });
const preload = library.stdout.trim().replace('x86_64', process.arch === 'arm64' ? 'aarch64' : 'x86_64');
// Reports are told apart by the names of functions.
const symbolizer = spawnSync(compiler, ['-print-prog-name=llvm-symbolizer'], {
  encoding: 'utf8',
}).stdout.trim();
if (spawnSync(symbolizer, ['--version']).status !== 0) {
  throw new Error(
    `${compiler} has no llvm-symbolizer beside it: install LLVM's tools of its version (llvm-19)`,
  );
}
const environment = (leaks) => ({
  ...process.env,
  ASAN_SYMBOLIZER_PATH: symbolizer,
  LD_PRELOAD: preload,
  // Reports go to files: a child's standard error belongs to the tests. Threads of ours use V8's stacks, no fake ones.
  ASAN_OPTIONS:
    `detect_leaks=${leaks};detect_stack_use_after_return=0;quarantine_size_mb=32;log_path=${join(reports, 'asan')}`.replaceAll(
      ';',
      ':',
    ),
  UBSAN_OPTIONS: `print_stacktrace=1:halt_on_error=1:log_path=${join(reports, 'ubsan')}`,
  LSAN_OPTIONS: 'print_suppressions=0',
});
const failures = [];

function check(name, args, leaks = 0) {
  console.log(`\n# ${name}`);
  const options = { cwd: folder, env: environment(leaks), stdio: 'inherit' };
  const { status, signal } = spawnSync(process.execPath, args, options);
  if (status !== 0 && leaks === 0) failures.push(`${name}: ${signal ?? `status ${status}`}`);
}

const vitest = join(folder, 'node_modules', 'vitest', 'vitest.mjs');
const filters = process.argv.slice(2).filter((argument) => argument !== '--');
const exclude = EXCLUDED.flatMap((file) => ['--exclude', file]);
const patient = ['--reporter=dot', '--testTimeout=120000'];
check('tests', [vitest, 'run', ...patient, ...exclude, ...(filters.length > 0 ? filters : TESTS)]);
if (filters.length === 0) {
  const hostile = [
    'run',
    '--config',
    'vitest.hostile.config.ts',
    '--reporter=dot',
    'test/hostile/hostile.test.ts',
  ];
  check('hostile programs', [vitest, ...hostile, '-t', HOSTILE]);
  check('random programs', ['test/fuzz/main.mjs', '--seconds', '20', '--seed', '1']);
  // Node frees little when it exits; what counts is what our code was on the way to allocate.
  check('leaks', ['test/lifecycle/leak-program.mjs', '300'], 1);
}

for (const file of readdirSync(reports)) {
  const text = readFileSync(join(reports, file), 'utf8');
  const blocks = text.split('\n\n').filter((block) => !isOfNode(block));
  if (blocks.length > 0) failures.push(`${file}:\n${blocks.join('\n\n').slice(0, 4000)}`);
}
for (const failure of failures) console.error(`\nFAILED ${failure}`);
console.log(failures.length === 0 ? '\nno reports' : `\n${failures.length} failures`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** A block of a LeakSanitizer report that is not about a leak of ours: values that N-API frees with its environment only. */
function isOfNode(block) {
  if (!/leak of \d+ byte/.test(block))
    return /^[\s=-]*$|LeakSanitizer: detected|SUMMARY: AddressSanitizer: .* leaked/.test(block);
  return !block.includes('codecell.node') && !block.includes('codecell::')
    ? true
    : block.includes('napi_create_external');
}
