import { basename, resolve } from 'node:path';
import { payloadLookup } from '../../trace/payload-files.js';
import { renderTraceView } from '../../trace/view/render.js';
import { EXIT } from '../exit-codes.js';
import { reduceFolder, writeOutput } from './bundle-folder.js';
import { defineCommand } from './command.js';

export const viewCommand = defineCommand({
  name: 'view',
  synopsis: 'view <bundle> [-o FILE.html] [--title TEXT]',
  summary: 'Draw a bundle as one HTML page: a timeline to click through.',
  help: `Writes one HTML file that needs nothing else: a timeline of threads, turns, inference calls, exec cells, tool
calls and waits. A click shows source, arguments, results, output, errors, ids, and what led to it. The page
works offline, loads nothing and sends nothing; what the trace holds is shown as text only.

Options:
  -o, --output <file>   Where to write. Default: <name of the bundle>.html in the working folder; - for
                        standard output.
  --title <text>        Heading of the page. Default: the name of the bundle.
  -h, --help            Show this text.`,
  positionals: ['bundle'],
  options: { output: { type: 'string', short: 'o' }, title: { type: 'string' } },
  run: async ({ values, positionals: [bundle = ''], printer }) => {
    const reduced = await reduceFolder(bundle);
    const name = basename(resolve(bundle));
    const html = await renderTraceView(reduced, {
      payload: payloadLookup(bundle, reduced.state),
      title: values.title ?? name,
    });
    const file = values.output ?? `${name}.html`;
    await writeOutput(html, file === '-' ? undefined : file, printer);
    if (file !== '-') printer.note(`wrote ${file}`);
    return EXIT.completed;
  },
});
