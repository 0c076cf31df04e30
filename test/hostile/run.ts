/** Runs hostile programs against the built package, each in a process of its own. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isolatedServiceSource } from '../isolation.js';
import type { HostileProgram } from './program.js';

const entry = new URL('../../dist/index.js', import.meta.url);
const child = fileURLToPath(new URL('child.mjs', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

/** A child that runs longer than this hangs: it is killed, and its test fails. */
export const hangMs = 20_000;

export interface ChildEnd {
  /** Null when a signal ended the process. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  hung: boolean;
  ms: number;
}

/** What `child.mjs` prints. */
export interface Report {
  status: string;
  code: string;
  message: string;
  output: string;
  diagnostics: string[];
  ms: number;
  lagMs: number;
  notifications: number;
  quarantined: number;
  next: string[];
  leaks: string[];
  /** Growth of resident memory from before the program to after the ten cells that followed it, or what is left two seconds later. */
  rssLeftMb: number;
  peakRssMb: number;
}

export interface SpawnOptions {
  input?: string;
  guardMs?: number;
  /** A command line of `sh` that runs before Node does, such as `ulimit -n 64`. */
  shell?: string;
  /** Words in front of Node's command line, after `shell`. */
  prefix?: string;
}

export function runNode(nodeArguments: string[], options: SpawnOptions = {}): Promise<ChildEnd> {
  if (!existsSync(entry)) throw new Error('dist/ is missing: run `npm run build:lib`');
  const { input = '', guardMs = hangMs, shell, prefix = '' } = options;
  const [command, commandArguments] =
    shell === undefined
      ? [process.execPath, nodeArguments]
      : ['/bin/sh', ['-c', `${shell}; exec ${prefix}"$0" "$@"`, process.execPath, ...nodeArguments]];
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const running = spawn(command, commandArguments, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let hung = false;
    const guard = setTimeout(() => {
      hung = true;
      running.kill('SIGKILL');
    }, guardMs);
    running.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    running.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    running.stdin.on('error', () => {}).end(input);
    running.on('error', reject);
    running.on('close', (code, signal) => {
      clearTimeout(guard);
      resolve({ code, signal, stdout, stderr, hung, ms: Math.round(performance.now() - startedAt) });
    });
  });
}

/** Statements that every host program begins with. */
const prelude = `
  import * as codecell from ${JSON.stringify(entry.href)};
  const { CodeModeError } = codecell;
  ${isolatedServiceSource}
  const limits = { heapMb: 64, wallMs: 1000 };
  const open = (options, serviceOptions) =>
    new CodeModeService({ quarantineMs: 300, ...serviceOptions }).createSession(options);
`;

/** Runs statements of a host, with `CodeModeService`, `limits` and `open` in scope. */
export function runHost(program: string, options?: SpawnOptions): Promise<ChildEnd> {
  return runNode(['--input-type=module', '-e', prelude + program], options);
}

export async function runProgram(program: HostileProgram): Promise<ChildEnd & { report: Report | null }> {
  const secret = `secret-${Math.random().toString(36).slice(2)}`;
  const guardMs = hangMs + (program.limits?.['wallMs'] ?? 0);
  const end = await runNode([child], { guardMs, input: JSON.stringify({ program, secret }) });
  let report: Report | null = null;
  try {
    report = JSON.parse(end.stdout) as Report;
  } catch {
    // No report: the end says why.
  }
  return { ...end, report };
}
