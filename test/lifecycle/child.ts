/** Runs a program that uses the built package in a process of its own, so that a crash is a result to look at. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isolatedServiceSource } from '../isolation.js';

const entry = new URL('../../dist/index.js', import.meta.url);

export interface ChildResult {
  /** Null when a signal ended the process. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Statements that every program begins with; `codecell` is the package, `open(options)` a session of a new service. */
const prelude = `
  import * as codecell from ${JSON.stringify(entry.href)};
  ${isolatedServiceSource}
  const open = (options, serviceOptions) => new CodeModeService(serviceOptions).createSession(options);
`;

export interface ChildOptions {
  nodeArguments?: string[];
  /** Called with everything the child has printed so far, when it prints. */
  onPrint?: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export function runChild(program: string, options: ChildOptions = {}): Promise<ChildResult> {
  if (!existsSync(entry)) throw new Error('dist/ is missing: run `npm run build:lib`');
  const nodeArguments = [...(options.nodeArguments ?? []), '--input-type=module', '-e', prelude + program];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, nodeArguments, {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      options.onPrint?.(stdout, (signal) => child.kill(signal));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** A clean end: this exit code, no signal, nothing on stderr. */
export function cleanly(code: number, stdout: unknown = ''): unknown {
  return { code, signal: null, stdout, stderr: '' };
}
