import { TraceError } from '../../trace/errors.js';
import { serializeState } from '../../trace/serialize.js';
import { EXIT } from '../exit-codes.js';
import { reduceFolder, writeOutput } from './bundle-folder.js';
import { defineCommand } from './command.js';
import { describeDiagnostic, refusalOf } from './diagnostics.js';

export const reduceCommand = defineCommand({
  name: 'reduce',
  synopsis: 'reduce <bundle> [-o FILE] [--strict]',
  summary: 'Print the state graph of a bundle, the text of a state.json.',
  help: `Works out what happened and prints it as JSON: the text of a state.json. What is wrong with the bundle
goes to standard error. Exits with 1 when --strict refuses the bundle.

Options:
  -o, --output <file>   Write to a file instead of standard output.
  --strict              Refuse what the format refuses, and give exactly the state that the format defines.
                        Without it, a damaged bundle gives what can be read of it, and \`extensions\` tell
                        what the format has no place for.
  -h, --help            Show this text.`,
  positionals: ['bundle'],
  options: { output: { type: 'string', short: 'o' }, strict: { type: 'boolean' } },
  run: async ({ values, positionals: [bundle = ''], printer }) => {
    try {
      const { state, diagnostics } = await reduceFolder(bundle, { strict: values.strict ?? false });
      for (const diagnostic of diagnostics) printer.note(describeDiagnostic(diagnostic));
      await writeOutput(serializeState(state), values.output, printer);
      return EXIT.completed;
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      printer.note(describeDiagnostic(refusalOf(error)));
      return EXIT.failed;
    }
  },
});
