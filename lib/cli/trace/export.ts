import { buildTimeline, findFailures } from '../../trace/analysis/index.js';
import { toOtlp } from '../../trace/exporters/otlp.js';
import { toTraceEvents } from '../../trace/exporters/trace-events.js';
import { payloadLookup } from '../../trace/payload-files.js';
import { EXIT } from '../exit-codes.js';
import { reduceFolder, writeOutput } from './bundle-folder.js';
import { CommandProblem, defineCommand } from './command.js';

export const exportCommand = defineCommand({
  name: 'export',
  synopsis: 'export <bundle> --otel | --perfetto [-o FILE]',
  summary: 'Write the timeline for OpenTelemetry (OTLP/JSON) or for ui.perfetto.dev.',
  help: `Writes the timeline of a session for other tools, as JSON.

Options:
  --otel                OTLP/JSON, as a collector takes it at /v1/traces: spans for threads, turns, model calls,
                        tool calls, waits, cells and terminals, with the attributes of the GenAI conventions.
                        The same trace gives the same ids. Of the contents only messages of errors are in it.
  --perfetto            Chrome trace events, for ui.perfetto.dev and chrome://tracing: tracks per agent thread,
                        flows from a model call to its calls, from a call to its cell, from a cell to its calls.
  -o, --output <file>   Write to a file instead of standard output.
  -h, --help            Show this text.`,
  positionals: ['bundle'],
  options: {
    otel: { type: 'boolean' },
    perfetto: { type: 'boolean' },
    output: { type: 'string', short: 'o' },
  },
  run: async ({ values, positionals: [bundle = ''], printer }) => {
    if (values.otel === values.perfetto) {
      throw new CommandProblem('USAGE', '`trace export` needs one of --otel and --perfetto');
    }
    const { state } = await reduceFolder(bundle);
    const timeline = buildTimeline(state);
    let file: unknown;
    if (values.perfetto) {
      file = toTraceEvents(state, timeline);
    } else {
      const failures = findFailures(state, timeline, payloadLookup(bundle, state));
      const errors = new Map(
        failures.flatMap(({ spanId, reason }) => (reason === null ? [] : [[spanId, reason] as const])),
      );
      file = toOtlp(state, timeline, { errors });
    }
    await writeOutput(`${JSON.stringify(file, null, 1)}\n`, values.output, printer);
    return EXIT.completed;
  },
});
