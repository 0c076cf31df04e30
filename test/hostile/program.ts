/** What the tables of hostile programs are made of. */

export type Group =
  'cpu' | 'memory' | 'floods' | 'thrown values' | 'uninterruptible builtins' | 'escapes' | 'fatal to others';

/** One script that attacks the runtime, and how its cell may end. */
export interface HostileProgram {
  /** The attack. */
  name: string;
  source: string;
  /** Acceptable ends: a status, or a status and a code, such as `failed HEAP_LIMIT`. */
  ends: readonly string[];
  /** Default `default`. */
  profile?: 'default' | 'codex';
  /** Laid over `{ heapMb: 64, wallMs: 1000 }`. */
  limits?: Record<string, number>;
  /** All text the cell puts out, where that matters. */
  output?: string;
  /** Further tools of the session, by their names; they answer with `null`. */
  toolNames?: readonly string[];
  /** Statements of the host that run in the child before the service is made. */
  before?: string;
  /** Number of notifications that have to arrive. */
  notifications?: number;
}

export const done = ['completed'] as const;
export const thrown = ['failed SCRIPT_ERROR'] as const;
export const wall = ['failed WALL_LIMIT'] as const;
export const heap = ['failed HEAP_LIMIT'] as const;
export const heapOrWall = [...heap, ...wall] as const;
/** For what depends on the machine's speed, or on how far V8 gets: any typed end but a wrong one. */
export const anyEnd = [...done, ...thrown, ...wall, ...heap] as const;
export const anyFailure = [...thrown, ...wall, ...heap] as const;

/** A table of `[name, source]` rows that may all end alike. */
export function programs(
  ends: readonly string[],
  rows: readonly (readonly [name: string, source: string])[],
  more: Omit<HostileProgram, 'name' | 'source' | 'ends'> = {},
): HostileProgram[] {
  return rows.map(([name, source]) => ({ name, source, ends, ...more }));
}
