import { readFileSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { TraceState } from './state.js';

/** Gives the value of a payload by its id, or undefined when it is lost, is not JSON or may not be read. */
export type PayloadLookup = (rawPayloadId: string | null | undefined) => unknown;

/**
 * Reads the payloads that a state refers to, each when it is asked for (synchronously, and kept by nobody). Never
 * throws, and never follows a path out of the bundle.
 */
export function payloadLookup(bundle: string, state: TraceState): PayloadLookup {
  let root: string | undefined;
  return (rawPayloadId) => {
    const reference = rawPayloadId == null ? undefined : state.raw_payloads[rawPayloadId];
    if (reference === undefined) return undefined;
    const { path } = reference;
    if (isAbsolute(path) || path.split(/[\\/]/).includes('..')) return undefined;
    try {
      root ??= realpathSync(bundle);
      const file = realpathSync(join(bundle, path));
      const inside = relative(root, file);
      if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return undefined;
      return JSON.parse(readFileSync(file, 'utf8')) as unknown;
    } catch {
      return undefined;
    }
  };
}
