// Builds the native benchmarks for the running Node, with CMake, in out/bench-native-abi<N>.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { run } from '../../scripts/addon.mjs';
import { headersVersion } from '../../scripts/node-headers.mjs';
import { root } from './package.mjs';

const folder = join(root, 'out', `bench-native-abi${process.versions.modules}`);

/** Builds what is not up to date and gives the addon's path. Throws when CMake, a compiler or the headers are missing. */
export function buildNativeBenchmarks() {
  const prefixes = [dirname(dirname(process.execPath)), process.env.npm_config_nodedir ?? ''];
  const prefix = prefixes.find((one) => one !== '' && headersVersion(one) === process.version);
  if (prefix === undefined) {
    throw new Error(
      `no C++ headers of Node ${process.version} beside ${process.execPath}; name their installation folder ` +
        'with npm_config_nodedir, or run with --node <major>',
    );
  }
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };
  run(
    'cmake',
    [
      ...[
        '-S',
        root,
        '-B',
        folder,
        '-DCODECELL_ADDON=OFF',
        '-DCODECELL_BENCH=ON',
        '-DCMAKE_BUILD_TYPE=Release',
      ],
      `-DCMAKE_JS_INC=${join(prefix, 'include', 'node')}`,
    ],
    quiet,
  );
  run('cmake', ['--build', folder, '--target', 'codecell_bench', '--config', 'Release', '--parallel'], quiet);
  const files = [folder, join(folder, 'Release')].map((one) => join(one, 'codecell_bench.node'));
  return files.find((file) => existsSync(file)) ?? files[0];
}

export function loadNativeBenchmarks(file) {
  return createRequire(import.meta.url)(file);
}
