/** Runs the built program as a child process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface CommandResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  child: ChildProcess;
  /** Resolves when standard output holds `text`; rejects when the program ends without it. */
  printed: (text: string) => Promise<void>;
  result: Promise<CommandResult>;
}

export const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** Starts `codecell ...args`; `input` is written to standard input, which is then closed. */
export function start(args: string[], input = ''): RunningCommand {
  const child = spawn(process.execPath, [program, ...args], { cwd: root });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  // The program may end without reading its input.
  child.stdin.on('error', () => {}).end(input);
  const result = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      result.then(({ stderr }) => reject(new Error(`ended without printing ${text}: ${stderr}`)), reject);
      const check = () => {
        if (!stdout.includes(text)) return;
        listeners.delete(check);
        resolve();
      };
      listeners.add(check);
      check();
    });
  return { child, printed, result };
}

export function run(args: string[], input?: string): Promise<CommandResult> {
  return start(args, input).result;
}
