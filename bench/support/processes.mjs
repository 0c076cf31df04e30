// Fresh processes: each measures one thing and prints one line of JSON.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a program of bench/ with the running Node; gives the JSON of its last line. Rejects with its last words. */
export function runFresh(program, args, { timeoutMs = 300_000, nodeArgs = [], env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    const command = [...nodeArgs, join(bench, program), ...args.map(String)];
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'], env });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const last = output.trim().split('\n').at(-1) ?? '';
      if (code === 0 && last.startsWith('{')) return resolve(JSON.parse(last));
      const words = (errors.trim() || output.trim()).split('\n').slice(0, 6).join('\n');
      reject(new Error(`${program} ${args.join(' ')} ended with ${signal ?? `status ${code}`}: ${words}`));
    });
  });
}
