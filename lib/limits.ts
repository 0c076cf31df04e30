import { describeValue, flag, invalidOption, readOptions } from './option-reader.js';

/**
 * Bounds on what one cell may use. Given to a service, a session or an exec; the nearest one counts,
 * field by field. Every limit is a whole number; `0` or `Infinity` turns it off, `null` or leaving it
 * out takes the value of the level above. A cell that reaches one ends as `failed` with the code named.
 */
export interface Limits {
  /** V8 heap, and as much again for array buffers, MiB. `HEAP_LIMIT`. Default 128. */
  heapMb?: number | null | undefined;
  /** CPU time of the isolate thread, milliseconds. `CPU_LIMIT`. Default off. */
  cpuMs?: number | null | undefined;
  /** Lifetime from the moment an isolate thread took the cell, milliseconds. `WALL_LIMIT`. Default off. */
  wallMs?: number | null | undefined;
  /**
   * Time without progress, milliseconds: no output item, notification, yield, nested call, answer, timer or stored
   * value. `IDLE_LIMIT`. Default off.
   */
  idleMs?: number | null | undefined;
  /**
   * `wallMs` and `idleMs` stand still while no script runs and a nested call is unanswered: for tools that ask a
   * person. Default false.
   */
  pauseWallWhileWaiting?: boolean | null | undefined;
  /** All output items together, bytes. `OUTPUT_LIMIT`. Default 64 MiB. */
  outputBytes?: number | null | undefined;
  /** Number of output items. `OUTPUT_LIMIT`. Default 1,000,000. */
  outputItems?: number | null | undefined;
  /** Nested tool calls plus notifications. `TOOL_CALL_LIMIT`. Default 100,000. */
  toolCalls?: number | null | undefined;
  /** Nested calls the host serves at once; further ones wait their turn, none fails. Default 4096. */
  pendingToolCalls?: number | null | undefined;
  /** JSON text of one tool input, bytes. `TOOL_INPUT_LIMIT`. Default 64 MiB. */
  toolInputBytes?: number | null | undefined;
  /** JSON text of one tool result or the message of one tool error, bytes. `TOOL_RESULT_LIMIT`. Default 64 MiB. */
  toolResultBytes?: number | null | undefined;
  /** JSON text of all stored values of the session, keys included, bytes. `STORE_LIMIT`. Default 256 MiB. */
  storedBytes?: number | null | undefined;
  /** Source text as UTF-8, bytes. `SOURCE_LIMIT`. Default 16 MiB. */
  sourceBytes?: number | null | undefined;
}

export type LimitName = Exclude<keyof Limits, 'pauseWallWhileWaiting'>;

/** Every limit as a number; 0 means off. */
export interface ResolvedLimits extends Record<LimitName, number> {
  pauseWallWhileWaiting: boolean;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: Readonly<Record<LimitName, number>> = Object.freeze({
  heapMb: 128,
  cpuMs: 0,
  wallMs: 0,
  idleMs: 0,
  outputBytes: 64 * MIB,
  outputItems: 1_000_000,
  toolCalls: 100_000,
  pendingToolCalls: 4096,
  toolInputBytes: 64 * MIB,
  toolResultBytes: 64 * MIB,
  storedBytes: 256 * MIB,
  sourceBytes: 16 * MIB,
});

const limitNames = Object.keys(DEFAULT_LIMITS) as LimitName[];

/** Lays the given limits over those of the level above. `where` names the options in errors. */
export function resolveLimits(
  above: Readonly<ResolvedLimits>,
  given: unknown,
  where: string,
): ResolvedLimits {
  const options = readOptions(given, where, [...limitNames, 'pauseWallWhileWaiting']);
  const resolved = { ...above };
  resolved.pauseWallWhileWaiting = flag(
    options['pauseWallWhileWaiting'],
    `${where}.pauseWallWhileWaiting`,
    above.pauseWallWhileWaiting,
  );
  for (const name of limitNames) {
    const value = options[name];
    if (value === undefined || value === null) continue;
    resolved[name] = limitValue(value, `${where}.${name}`);
  }
  return resolved;
}

function limitValue(value: unknown, path: string): number {
  if (value === Infinity) return 0;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw invalidOption(
      `${path} must be a non-negative whole number, or Infinity for no limit; got ${describeValue(value)}`,
    );
  }
  return value;
}
