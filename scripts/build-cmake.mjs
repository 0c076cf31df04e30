// The engineer's build of the addon: cmake-js into out/cmake, whose compile_commands.json clang-tidy and editors read.
// Arguments go to cmake-js, for example `-D` (debug) or `--CDCODECELL_SANITIZE=address`. CXX chooses the compiler.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root, run } from './addon.mjs';
import { findNodeDir } from './node-headers.mjs';

const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
const nodeDir = findNodeDir();
const env = { ...process.env, ...(nodeDir === undefined ? {} : { npm_config_nodedir: nodeDir }) };
const args = ['compile', '--out', join(root, 'out', 'cmake'), ...process.argv.slice(2)];
run(process.execPath, [cmakeJs, ...args], { env });
