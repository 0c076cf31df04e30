import { callback, choice, readOptions, text, wholeNumber } from '../option-reader.js';

/** `thread`: cells run on threads of this process; `process`: on threads of a child process. */
export type Isolation = 'thread' | 'process';

/** What a starter gets: how the package itself would start the process. */
export interface HostProcessCommand {
  /** The program: this Node or Electron. */
  execPath: string;
  /** The package's entry file for host processes, outside of an asar archive. */
  entryPath: string;
  /** Arguments after `execPath`; the first one is `entryPath`. */
  args: string[];
  /** The whole environment that the process needs. */
  env: Record<string, string>;
  /** An existing folder to run in. */
  cwd: string;
}

/**
 * A process that a starter started: a ChildProcess of `node:child_process` whose fourth `stdio` entry is a pipe, or that
 * was forked with `serialization: 'advanced'`; or a UtilityProcess of Electron.
 */
export interface StartedHostProcess {
  readonly pid?: number | undefined;
  readonly stdio?: readonly unknown[] | undefined;
  /** Of a UtilityProcess. */
  postMessage?(message: unknown): void;
  /** Of a forked ChildProcess. */
  send?(message: unknown, callback?: (error: Error | null) => void): unknown;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- `unknown` would refuse typed listeners
  on(event: string, listener: (...args: any[]) => void): unknown;
  kill(signal?: NodeJS.Signals): unknown;
}

/** Starts a host process. What it throws counts as a process that ended at once. */
export type StartHostProcess = (command: HostProcessCommand) => StartedHostProcess;

/** Options of `isolation: 'process'`; with `thread` they have no effect. */
export interface HostProcessOptions {
  /** `service`: one process for all sessions; `session`: one for each. Default `service`. */
  scope?: 'service' | 'session' | null | undefined;
  /**
   * A process with a quarantined thread gets no further cells and is killed when its other cells have ended, but at most
   * so many milliseconds later, 0 to 600,000. As long a process may be late with the end of a stopped cell. Default
   * 2,000.
   */
  graceMs?: number | null | undefined;
  /** How long a process may take until it is ready, milliseconds, 1 to 600,000. Default 15,000. */
  startTimeoutMs?: number | null | undefined;
  /** The package's `dist/host/main.js`, where it cannot be found by itself (in a bundle). */
  entryPath?: string | null | undefined;
  /** Starts the process instead of `child_process.spawn`, for Electron's `utilityProcess` or a sandbox of the system. */
  start?: StartHostProcess | null | undefined;
}

export interface ResolvedHostProcessOptions {
  scope: 'service' | 'session';
  graceMs: number;
  startTimeoutMs: number;
  entryPath: string | undefined;
  start: StartHostProcess | undefined;
}

const isolations: readonly Isolation[] = ['thread', 'process'];
const scopes: readonly ('service' | 'session')[] = ['service', 'session'];

export function resolveIsolation(given: unknown): Isolation {
  return choice(given, 'isolation', isolations) ?? 'thread';
}

export function resolveHostProcessOptions(given: unknown): ResolvedHostProcessOptions {
  const options = readOptions(given, 'hostProcess', [
    'scope',
    'graceMs',
    'startTimeoutMs',
    'entryPath',
    'start',
  ]);
  return {
    scope: choice(options['scope'], 'hostProcess.scope', scopes) ?? 'service',
    graceMs: wholeNumber(options['graceMs'], 'hostProcess.graceMs', 2000, 0, 600_000),
    startTimeoutMs: wholeNumber(options['startTimeoutMs'], 'hostProcess.startTimeoutMs', 15_000, 1, 600_000),
    entryPath: text(options['entryPath'], 'hostProcess.entryPath'),
    start: callback<StartHostProcess>(options['start'], 'hostProcess.start'),
  };
}
