// Where the C++ headers of a Node binary are. Part of the published package: the install script needs it.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder to hand to node-gyp as `nodedir`: the configured one, or the installation of this very Node when its
 * headers lie beside it, so that a build needs no network. Undefined leaves node-gyp to download them.
 */
export function findNodeDir() {
  const configured = process.env.npm_config_nodedir;
  if (configured) return configured;
  const prefix = dirname(dirname(process.execPath));
  return headersVersion(prefix) === process.version ? prefix : undefined;
}

/** The version, as `v20.19.0`, of the headers in an installation folder; undefined when it has none. */
export function headersVersion(prefix) {
  const file = join(prefix, 'include', 'node', 'node_version.h');
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8');
  const number = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1];
  return `v${number('MAJOR')}.${number('MINOR')}.${number('PATCH')}`;
}
