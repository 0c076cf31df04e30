// The package's install script: node-gyp-build, which takes the prebuilt binary that fits or else builds one, told
// where this Node's headers are.
import { createRequire } from 'node:module';
import { findNodeDir } from './node-headers.mjs';

const nodeDir = findNodeDir();
if (nodeDir !== undefined) process.env.npm_config_nodedir = nodeDir;
process.env.JOBS ??= 'max';
createRequire(import.meta.url)('node-gyp-build/bin.js');
