import { CodeModeError } from '../errors.js';
import { failureText } from '../host-callback.js';
import type {
  NativeEngine,
  NativeEngineOptions,
  NativeEngineStats,
  NativeEventHandler,
  NativeToolEntry,
  NativeToolManifest,
  NativeValueStore,
} from '../native/addon.js';
import { loadAddon } from '../native/load.js';

/** What an engine is made with. */
export type EngineOptions = NativeEngineOptions;

export interface EngineStats extends NativeEngineStats {
  /** Host processes that run or are starting. With thread isolation 0. */
  processes: number;
  /** Host processes that ended, or were killed, before the service was closed. */
  lostProcesses: number;
}

/** A session's committed stored values, as sessions see them. */
export type EngineValues = Pick<NativeValueStore, 'set' | 'entries'>;

/**
 * What sessions run their cells on: the addon in this process, or host processes. Events come as
 * lib/native/addon.ts describes, and never while a call of the engine is running. Knows no transport and no
 * observation; only plain data crosses.
 */
export interface Engine<
  Manifest extends NativeToolManifest = NativeToolManifest,
  Values extends EngineValues = EngineValues,
> extends Pick<NativeEngine, 'resolve' | 'reject' | 'stop'> {
  createManifest(tools: NativeToolEntry[]): Manifest;
  createValues(): Values;
  /** As the addon's `start`. */
  start(
    cell: number,
    source: string,
    manifest: Manifest,
    values: Values,
    options: Parameters<NativeEngine['start']>[4],
  ): void;
  /** No further cell is started with these. The values can still be read. */
  release(manifest: Manifest, values: Values): void;
  stats(): EngineStats;
  /** Stops everything. Resolves when every process of the engine has ended. */
  close(): Promise<void>;
}

/**
 * An engine whose cells run on threads of this process. Throws a CodeModeError: `ADDON_UNAVAILABLE`, or
 * `ISOLATE_UNAVAILABLE` where the process has no means left for one (file descriptors, for example).
 */
export function createThreadEngine(
  options: EngineOptions,
  onEvent: NativeEventHandler,
): Engine<NativeToolManifest, NativeValueStore> {
  const addon = loadAddon();
  let native: NativeEngine;
  try {
    native = addon.createEngine(options, onEvent);
  } catch (error) {
    throw new CodeModeError('ISOLATE_UNAVAILABLE', `the service could not be started: ${failureText(error)}`);
  }
  return {
    createManifest: (tools) => addon.createManifest(tools),
    createValues: () => addon.createValueStore(),
    start: native.start,
    resolve: native.resolve,
    reject: native.reject,
    stop: native.stop,
    release: () => {},
    stats: () => ({ ...native.stats(), processes: 0, lostProcesses: 0 }),
    close: async () => native.close(),
  };
}
