/** What the tests of host processes share. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import {
  CodeModeService,
  type HostProcessCommand,
  type HostProcessOptions,
  type ServiceOptions,
} from '../../lib/index.js';

export const onLinux = process.platform === 'linux';

export interface WatchedService {
  service: CodeModeService;
  /** The host processes that were started, in order. */
  started: ChildProcess[];
  /** Kills the newest one. */
  kill: (signal?: NodeJS.Signals) => void;
}

/** Starts a host process as the package itself does. */
export function spawnHost({ execPath, args, env, cwd }: HostProcessCommand): ChildProcess {
  return spawn(execPath, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
}

/** A service with process isolation whose processes can be looked at; closed when the test ends. */
export function watchedService(
  hostProcess: HostProcessOptions = {},
  options: ServiceOptions = {},
): WatchedService {
  const started: ChildProcess[] = [];
  const start = (command: HostProcessCommand) => {
    const child = spawnHost(command);
    started.push(child);
    return child;
  };
  const service = new CodeModeService({
    isolation: 'process',
    warmIsolates: 0,
    hostProcess: { start, ...hostProcess },
    ...options,
  });
  onTestFinished(() => service.close());
  return { service, started, kill: (signal = 'SIGKILL') => void started.at(-1)!.kill(signal) };
}

/** Whether a process runs; one that has ended and was not waited for does not. On Linux. */
export function isRunning(pid: number): boolean {
  try {
    const [state] = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '');
    return state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}

/** Resolves when the process has ended; the tests' own time limit is the bound. */
export async function ended(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Descriptors that this process has open. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
