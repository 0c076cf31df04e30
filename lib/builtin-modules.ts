/**
 * Node's own modules for what `import 'codecell'` loads. `import 'node:fs'` makes Node load its promises as well, 2 to 4 ms, and
 * `node:worker_threads` and `node:child_process` take 2 ms each, which most processes need for nothing: they are loaded
 * where they are used.
 */
export const fs = process.getBuiltinModule('node:fs');
export const path = process.getBuiltinModule('node:path');
export const url = process.getBuiltinModule('node:url');
export const diagnosticsChannel = process.getBuiltinModule('node:diagnostics_channel');
export const childProcess = () => process.getBuiltinModule('node:child_process');
export const workerThreads = () => process.getBuiltinModule('node:worker_threads');

/** `require` for the package's dependencies. */
export const requireDependency = (name: string): unknown =>
  process.getBuiltinModule('node:module').createRequire(import.meta.url)(name);
