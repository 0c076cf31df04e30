#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.js';
import { readArguments, usage } from './arguments.js';
import { EXIT } from './exit-codes.js';
import { messageOf } from './inputs.js';
import { Printer } from './printer.js';

async function main(): Promise<number> {
  const printer = new Printer();
  const code = await serve(printer);
  await printer.flush();
  return printer.pipeIsBroken ? EXIT.brokenPipe : code;
}

async function serve(printer: Printer): Promise<number> {
  const request = readArguments(process.argv.slice(2));
  switch (request.kind) {
    case 'help':
      printer.print(usage);
      return EXIT.completed;
    case 'version':
      printer.print(`${version()}\n`);
      return EXIT.completed;
    case 'wrong':
      return printer.usageProblem(`${request.message}\nTry \`codecell --help\`.`);
    case 'trace': {
      const { trace } = await import('./trace/main.js');
      return trace(request.argv, printer);
    }
    case 'run': {
      // Loaded when it is needed: help and usage errors work without the native addon.
      const { run } = await import('./run.js');
      return run(request, printer);
    }
  }
}

function version(): string {
  const manifest = readFileSync(join(packageRoot, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

main().then(
  // A tools module may hold timers or connections: the run is over all the same.
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`codecell: ${messageOf(error)}\n`, () => process.exit(EXIT.failed));
  },
);
