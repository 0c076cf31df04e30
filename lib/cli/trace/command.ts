import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearestName } from '../../suggest.js';
import { EXIT } from '../exit-codes.js';
import { messageOf } from '../inputs.js';
import type { Printer } from '../printer.js';

type OptionTable = NonNullable<ParseArgsConfig['options']>;
type ValuesOf<Options extends OptionTable> = ReturnType<
  typeof parseArgs<{ options: Options; allowPositionals: true }>
>['values'];

/** One command of `codecell trace`, as the table of commands holds it. */
export interface TraceCommand {
  name: string;
  /** What follows `codecell trace`: name, arguments, options. */
  synopsis: string;
  /** One line for the list of commands. */
  summary: string;
  /** Serves the command; `argv` is what follows its name. Resolves to the exit code. */
  run: (argv: readonly string[], printer: Printer) => Promise<number>;
}

export interface CommandCall<Options extends OptionTable> {
  values: ValuesOf<Options>;
  /** As many as `positionals` of the definition allows. */
  positionals: string[];
  printer: Printer;
}

interface CommandDefinition<Options extends OptionTable> extends Omit<TraceCommand, 'run'> {
  /** The rest of the help text: what the command does, and its options. */
  help: string;
  /** Names of the arguments; a last one that ends with `...` may be repeated. */
  positionals: readonly string[];
  options: Options;
  /** Resolves to the exit code. A CommandProblem that it throws is printed, and gives its own code. */
  run: (call: CommandCall<Options>) => Promise<number>;
}

export type ProblemCode =
  /** The command line is wrong. */
  | 'USAGE'
  /** There is nothing at the given path. */
  | 'NOT_FOUND'
  /** What is at the given path is no trace bundle. */
  | 'NOT_A_BUNDLE'
  /** The bundle cannot be read. */
  | 'UNREADABLE'
  /** The output file cannot be written. */
  | 'NOT_WRITABLE'
  /** The graph has nothing with the given id. */
  | 'UNKNOWN_ID'
  /** The given id stands for several things of the graph. */
  | 'AMBIGUOUS_ID';

/** Ends a command with a message on standard error and the exit code for wrong usage. */
export class CommandProblem extends Error {
  constructor(
    readonly code: ProblemCode,
    message: string,
  ) {
    super(message);
  }
}

export function defineCommand<const Options extends OptionTable>(
  definition: CommandDefinition<Options>,
): TraceCommand {
  const { name, synopsis, summary } = definition;
  return {
    name,
    synopsis,
    summary,
    run: async (argv, printer) => {
      try {
        const { values, positionals } = parse(definition, argv);
        if ('help' in values && values.help === true) {
          printer.print(`Usage: codecell trace ${synopsis}\n\n${definition.help.trimEnd()}\n`);
          return EXIT.completed;
        }
        checkPositionals(definition, positionals);
        return await definition.run({ values: values as ValuesOf<Options>, positionals, printer });
      } catch (error) {
        if (error instanceof CommandProblem) return printer.usageProblem(`${error.code}: ${error.message}`);
        throw error;
      }
    },
  };
}

function parse({ options, name }: CommandDefinition<OptionTable>, argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { ...options, help: { type: 'boolean', short: 'h' } },
    });
  } catch (error) {
    const [, unknown] = /^Unknown option '(-[^']*)'/.exec(messageOf(error)) ?? [];
    const reason = unknown === undefined ? messageOf(error) : describeUnknown(unknown, Object.keys(options));
    throw new CommandProblem('USAGE', `${reason}\nTry \`codecell trace ${name} --help\`.`);
  }
}

function describeUnknown(option: string, known: readonly string[]): string {
  const near = nearestName(option.replace(/^-+/, ''), [...known, 'help']);
  return `there is no option ${option}${near === undefined ? '' : `; did you mean --${near}?`}`;
}

function checkPositionals(definition: CommandDefinition<OptionTable>, given: readonly string[]): void {
  const { positionals: names, name } = definition;
  const missing = names[given.length];
  const hint = `\nTry \`codecell trace ${name} --help\`.`;
  if (missing !== undefined) {
    throw new CommandProblem('USAGE', `\`trace ${name}\` needs ${describePositional(missing)}${hint}`);
  }
  const repeats = names.at(-1)?.endsWith('...') ?? false;
  if (!repeats && given.length > names.length) {
    const extra = given[names.length]!;
    throw new CommandProblem('USAGE', `\`trace ${name}\` has no use for the argument ${extra}${hint}`);
  }
}

function describePositional(name: string): string {
  const plain = name.replace(/\.\.\.$/, '');
  return plain === 'bundle' ? 'a bundle: the folder with trace.jsonl' : `an argument: ${plain}`;
}
