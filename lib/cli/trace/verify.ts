import { TraceError, type TraceDiagnostic } from '../../trace/errors.js';
import { EXIT } from '../exit-codes.js';
import { checkBundle, reduceFolder } from './bundle-folder.js';
import { defineCommand } from './command.js';
import { describeDiagnostic, refusalOf } from './diagnostics.js';

interface Verdict {
  bundle: string;
  /** Whether strict mode accepts the bundle. */
  accepted: boolean;
  /** What strict mode refused the bundle for first. */
  refusal: TraceDiagnostic | null;
  /** Everything that lenient mode found. */
  diagnostics: TraceDiagnostic[];
}

export const verifyCommand = defineCommand({
  name: 'verify',
  synopsis: 'verify <bundle>... [--json]',
  summary: 'Say whether bundles keep to the format, and list what is wrong, with line and seq.',
  help: `Says of each bundle whether strict mode accepts it, and lists everything that is wrong with it: code, line of
trace.jsonl, seq of the event. Exits with 0 when all are accepted, with 1 when one is refused.

Options:
  --json       Print one JSON array with an object per bundle instead:
               { bundle, accepted, refusal, diagnostics: [{ severity, code, message, seq?, line? }] }
  -h, --help   Show this text.`,
  positionals: ['bundle...'],
  options: { json: { type: 'boolean' } },
  run: async ({ values, positionals, printer }) => {
    // Before anything is printed.
    for (const bundle of positionals) await checkBundle(bundle);
    const verdicts: Verdict[] = [];
    for (const bundle of positionals) {
      const verdict = await verify(bundle);
      verdicts.push(verdict);
      if (!values.json) printer.print(describe(verdict));
    }
    if (values.json) printer.print(`${JSON.stringify(verdicts, null, 2)}\n`);
    return verdicts.every(({ accepted }) => accepted) ? EXIT.completed : EXIT.failed;
  },
});

async function verify(bundle: string): Promise<Verdict> {
  const refusal = await reduceFolder(bundle, { strict: true }).then(
    () => null,
    (error: unknown) => {
      if (error instanceof TraceError) return refusalOf(error);
      throw error;
    },
  );
  const { diagnostics } = await reduceFolder(bundle);
  return { bundle, accepted: refusal === null, refusal, diagnostics };
}

function describe({ bundle, accepted, refusal, diagnostics }: Verdict): string {
  const lines = diagnostics.map((diagnostic) => `  ${describeDiagnostic(diagnostic)}\n`);
  const listed =
    refusal === null ||
    diagnostics.some(({ code, seq, line }) => {
      return code === refusal.code && seq === refusal.seq && line === refusal.line;
    });
  if (!listed) lines.unshift(`  ${describeDiagnostic(refusal)}\n`);
  return `${accepted ? 'accepted' : 'REFUSED '} ${bundle}\n${lines.join('')}`;
}
