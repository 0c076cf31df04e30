// Builds and runs the tests of native/base with CMake: npm run test:native [-- address,undefined | thread ...]
// Without arguments once plainly; with them once per sanitizer set. CXX chooses the compiler. Prints doctest's
// summaries; exits with 1 when one failed.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, run } from './addon.mjs';

const variants = process.argv.slice(2);
if (variants.length === 0) variants.push('');

let failed = false;
for (const sanitizers of variants) {
  const folder = join(root, 'out', `native-${sanitizers.replaceAll(',', '-') || 'plain'}`);
  console.log(`\n# native tests, ${sanitizers || 'no sanitizer'}`);
  try {
    run('cmake', [
      ...['-S', root, '-B', folder, '-DCODECELL_ADDON=OFF', '-DCODECELL_TESTS=ON'],
      ...['-DCMAKE_BUILD_TYPE=RelWithDebInfo', `-DCODECELL_SANITIZE=${sanitizers}`],
    ]);
    run('cmake', ['--build', folder, '--target', 'base_tests', '--parallel']);
    runTests(join(folder, 'base_tests'), sanitizers === 'thread');
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    failed = true;
  }
}
process.exitCode = failed ? 1 : 0;

function runTests(program, underThreadSanitizer) {
  const env = {
    ...process.env,
    // Fake stacks would move locals off the stack whose limit the tests measure.
    ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=0',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
    TSAN_OPTIONS: 'halt_on_error=0:second_deadlock_stack=1',
  };
  // ThreadSanitizer's fixed memory layout does not fit kernels that randomize addresses widely.
  const fixed = underThreadSanitizer && spawnSync('setarch', ['-R', 'true']).status === 0;
  if (fixed) run('setarch', ['-R', program], { env });
  else run(program, [], { env });
}
