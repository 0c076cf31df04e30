import { nearestName } from '../../suggest.js';
import { EXIT } from '../exit-codes.js';
import type { Printer } from '../printer.js';
import { commands } from './commands.js';

/** Serves `codecell trace ...`; `argv` is what follows `trace`. Resolves to the exit code. */
export async function trace(argv: readonly string[], printer: Printer): Promise<number> {
  const [name, ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') {
    printer.print(usage());
    return EXIT.completed;
  }
  const hint = 'Try `codecell trace --help`.';
  if (name === undefined) return printer.usageProblem(`USAGE: \`trace\` needs a command\n${hint}`);
  const command = commands.find((each) => each.name === name);
  if (command !== undefined) return command.run(rest, printer);
  const names = commands.map((each) => each.name);
  const near = nearestName(name, names);
  const suggestion =
    near === undefined ? `the commands are ${names.join(', ')}` : `did you mean \`trace ${near}\`?`;
  return printer.usageProblem(`USAGE: there is no command \`trace ${name}\`; ${suggestion}\n${hint}`);
}

function usage(): string {
  const lines = commands.map(({ synopsis, summary }) => `  ${synopsis}\n      ${summary}`);
  return `Usage: codecell trace <command> <bundle> [options]

Reads trace bundles: folders with manifest.json, trace.jsonl and payloads/.

Commands:
${lines.join('\n')}

\`codecell trace <command> --help\` tells the options of a command.

Exit codes:
  0 done   1 refused, or something is wrong with the trace   2 wrong usage, or no readable bundle
`;
}
