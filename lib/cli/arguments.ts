import { parseArgs } from 'node:util';

export const usage = `Usage: codecell run <script.js | -> [options]
       codecell trace <command> <bundle> [options]    (see \`codecell trace --help\`)

\`run\` runs a JavaScript file as one exec: a fresh V8 isolate without file system, network or process, with the
tools you give it as \`tools.<name>(input)\`. \`-\` reads the script from standard input. Output items go
to standard output as they come; errors, notifications and (on a terminal) tool calls to standard error.

Options:
  --tools <module>       A module whose default export, or export \`tools\`, is an array of tool definitions.
  --yield-time-ms <n>    How long one observation lasts before the run is observed again. Nothing stops.
                         Default 10000, or what a first line \`// @exec: {"yield_time_ms": n}\` says.
  --heap-mb <n>          Limit on the V8 heap plus array buffers, MiB. 0 means none. Default 128.
  --json                 Print one JSON object with the whole outcome instead.
  -h, --help             Show this text.
  -v, --version          Show the version.

Exit codes:
  0 completed   1 the script failed   2 wrong usage   124 a limit was reached   130 interrupted
`;

export interface RunRequest {
  kind: 'run';
  /** Path of the script, or `-` for standard input. */
  script: string;
  toolsModule: string | undefined;
  yieldTimeMs: number | undefined;
  heapMb: number | undefined;
  json: boolean;
}

/** The command line of `codecell trace`, which reads it by itself. */
export interface TraceRequest {
  kind: 'trace';
  argv: readonly string[];
}

export type CliRequest =
  RunRequest | TraceRequest | { kind: 'help' } | { kind: 'version' } | { kind: 'wrong'; message: string };

/** Reads the command line (without the program and script names). */
export function readArguments(argv: readonly string[]): CliRequest {
  if (argv[0] === 'trace') return { kind: 'trace', argv: argv.slice(1) };
  const parsed = parse(argv);
  if ('message' in parsed) return { kind: 'wrong', message: parsed.message };
  const { values, positionals } = parsed;
  if (values.help) return { kind: 'help' };
  if (values.version) return { kind: 'version' };

  const [command, script, ...more] = positionals;
  if (command === undefined) return wrong('a command is missing');
  if (command !== 'run')
    return wrong(`there is no command \`${command}\`; the commands are \`run\` and \`trace\``);
  if (script === undefined) return wrong('`run` needs a script file, or `-` for standard input');
  if (more.length > 0) return wrong(`\`run\` takes one script; got ${more.length + 1}`);

  const yieldTimeMs = readWholeNumber(values['yield-time-ms']);
  if (yieldTimeMs === 'bad')
    return wrong('--yield-time-ms must be a non-negative whole number of milliseconds');
  const heapMb = readWholeNumber(values['heap-mb']);
  if (heapMb === 'bad') return wrong('--heap-mb must be a non-negative whole number of MiB');
  return { kind: 'run', script, toolsModule: values.tools, yieldTimeMs, heapMb, json: values.json ?? false };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        tools: { type: 'string' },
        'yield-time-ms': { type: 'string' },
        'heap-mb': { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    });
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error) };
  }
}

function wrong(message: string): CliRequest {
  return { kind: 'wrong', message };
}

function readWholeNumber(text: string | undefined): number | 'bad' | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : 'bad';
}
