import type { Duplex, Readable } from 'node:stream';
import { childProcess, fs, path } from '../builtin-modules.js';
import { packageRoot } from '../package-root.js';
import { portCarrier, streamCarrier, type Carrier } from './channel.js';
import { CHANNEL_FD } from './protocol.js';
import type { HostProcessCommand, ResolvedHostProcessOptions, StartedHostProcess } from './options.js';

/** So much of what a process says on its standard error is kept for the message that it could not be started. */
const KEPT_WORDS = 2000;

/**
 * What decides on time zone, locale and character classes of scripts, what Windows needs to start a program, where a
 * program finds its libraries, and how the addon is chosen. All other variables stay in the parent.
 */
const passedOn = [
  'TZ',
  'LANG',
  'LANGUAGE',
  'LC_ALL',
  'LC_CTYPE',
  'LC_MESSAGES',
  'LC_TIME',
  'NODE_ICU_DATA',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'SystemRoot',
  'windir',
  'PREBUILDS_ONLY',
];

/** Set in a host process, so that a program which is not Node and starts itself again stops there. */
const MARK = 'CODECELL_HOST_PROCESS';

/** A process that was started, whoever started it. */
export interface Started {
  pid: number | undefined;
  /** Null when there was no way to talk to it. */
  carrier: Carrier | null;
  /** What it said on its standard error, as far as that is known. */
  lastWords: () => string;
  onExit: (listener: (how: string) => void) => void;
  /** Ends it at once, with nothing of it left to run. */
  kill: () => void;
  setRef: (ref: boolean) => void;
}

export function hostProcessCommand(entryPath: string | undefined): HostProcessCommand {
  const entry = entryPath ?? unpacked(path.join(packageRoot, 'dist', 'host', 'main.js'));
  const env: Record<string, string> = { [MARK]: '1' };
  for (const name of passedOn) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  if (process.versions['electron'] !== undefined) env['ELECTRON_RUN_AS_NODE'] = '1';
  const { execPath } = process;
  // A folder that exists, whatever becomes of the parent's: the package's own may lie in an archive.
  return { execPath, entryPath: entry, args: [entry], env, cwd: path.dirname(execPath) };
}

/** The same file outside of an Electron archive, where it was unpacked: what is inside can only be read by Electron. */
export function unpacked(file: string, exists: (file: string) => boolean = fs.existsSync): string {
  const outside = file.replace(/\.asar(?=[\\/])/, '.asar.unpacked');
  return outside !== file && exists(outside) ? outside : file;
}

/** Starts a host process. Throws what the starter throws. */
export function startProcess({ entryPath, start }: ResolvedHostProcessOptions): Started {
  const command = hostProcessCommand(entryPath);
  return describe((start ?? spawnProcess)(command));
}

function spawnProcess({ execPath, args, env, cwd }: HostProcessCommand): StartedHostProcess {
  if (process.env[MARK] !== undefined) {
    throw new Error(
      `${execPath} was started as a host process, but does not run the file it is given, as Node does; ` +
        'hostProcess.start has to start something that does',
    );
  }
  return childProcess().spawn(execPath, args, {
    cwd,
    env,
    // Overlapped is what asynchronous reading needs on Windows, and a plain pipe elsewhere.
    stdio: ['ignore', 'ignore', 'pipe', 'overlapped'],
    windowsHide: true,
  });
}

type Referable = { ref?: () => void; unref?: () => void };

function describe(started: StartedHostProcess): Started {
  const words = startedWords(started.stdio?.[2]);
  const handle = started as StartedHostProcess & Referable;
  return {
    get pid() {
      return started.pid;
    },
    carrier: carrierOf(started),
    lastWords: words,
    onExit: (listener) => {
      started.on('exit', (code: unknown, signal: unknown) => {
        listener(typeof signal === 'string' ? `was ended by ${signal}` : `exited with code ${String(code)}`);
      });
      started.on('error', (error: unknown) => {
        listener(`could not be started: ${error instanceof Error ? error.message : String(error)}`);
      });
    },
    kill: () => {
      // Electron's own kill() asks politely, which a native loop does not hear.
      if (started.postMessage !== undefined && started.pid !== undefined) killByPid(started.pid);
      started.kill('SIGKILL');
    },
    setRef: (ref) => (ref ? handle.ref?.() : handle.unref?.()),
  };
}

function killByPid(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function carrierOf(started: StartedHostProcess): Carrier | null {
  const pipe = started.stdio?.[CHANNEL_FD];
  if (pipe !== undefined && pipe !== null) return streamCarrier(pipe as Duplex);
  if (started.postMessage !== undefined) {
    return portCarrier({
      post: (message) => started.postMessage?.(message),
      onMessage: (listener) => started.on('message', listener),
      onClose: (listener) => started.on('exit', () => listener()),
      close: () => {},
    });
  }
  if (started.send !== undefined) {
    const channel = () => (started as { channel?: Referable | null }).channel;
    const carrier = portCarrier({
      // A callback, because without one a failure is thrown later; `disconnect` follows.
      post: (message) => void started.send?.(message, () => {}),
      onMessage: (listener) => started.on('message', listener),
      onClose: (listener) => started.on('disconnect', () => listener()),
      close: () => {
        const forked = started as { connected?: boolean; disconnect?: () => void };
        if (forked.connected === true) forked.disconnect?.();
      },
    });
    return { ...carrier, setRef: (ref) => (ref ? channel()?.ref?.() : channel()?.unref?.()) };
  }
  return null;
}

function startedWords(stderr: unknown): () => string {
  let words = '';
  const stream = stderr as (Readable & Referable) | null | undefined;
  if (stream === undefined || stream === null) return () => words;
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => (words = (words + text).slice(-KEPT_WORDS)));
  stream.on('error', () => {});
  stream.unref?.();
  return () => words.trim();
}
