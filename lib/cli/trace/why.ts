import {
  causalChain,
  describeEntity,
  findEntities,
  nearIds,
  type CausalChain,
  type CausalHop,
  type TraceEntity,
} from '../../trace/analysis/index.js';
import type { TraceState } from '../../trace/state.js';
import { EXIT } from '../exit-codes.js';
import {
  duration,
  harmless,
  lookOf,
  oneLine,
  paintLine,
  wrapLine,
  type Look,
  type Segment,
} from '../terminal-text.js';
import { reduceFolder } from './bundle-folder.js';
import { CommandProblem, defineCommand } from './command.js';
import { withoutOutputHeader } from './output-text.js';

export const whyCommand = defineCommand({
  name: 'why',
  synopsis: 'why <bundle> <id> [--json]',
  summary: 'Tell the chain from an output, call, cell or terminal back to the model call that caused it.',
  help: `Follows something back to what caused it, hop by hop: id, what it is, when, seq of its event, and the payload
files to read. The id is one of the graph (of an item, a tool call, a cell, an inference, a turn, a thread, a
terminal, a compaction, an interaction, a payload), another name of it (call id, runtime id, the provider's id), or
the beginning of an id, as \`trace show\` prints it.

Options:
  --json       Print the chain as JSON: { hops: [...], end: "model_call" | "outside" | "unknown" }
  -h, --help   Show this text.`,
  positionals: ['bundle', 'id'],
  options: { json: { type: 'boolean' } },
  run: async ({ values, positionals: [bundle = '', id = ''], printer }) => {
    const { state } = await reduceFolder(bundle);
    const chain = causalChain(state, oneEntity(state, id));
    if (values.json) printer.print(`${JSON.stringify(chain, null, 2)}\n`);
    else printer.print(`${describeChain(chain, state, lookOf(process.stdout)).join('\n')}\n`);
    return EXIT.completed;
  },
});

function oneEntity(state: TraceState, id: string): TraceEntity {
  const [found, ...others] = findEntities(state, id);
  if (found === undefined) {
    const near = nearIds(state, id);
    const hint = near.length === 0 ? '' : `; the nearest: ${near.map(harmless).join(', ')}`;
    throw new CommandProblem('UNKNOWN_ID', `nothing in the trace has the id ${harmless(id)}${hint}`);
  }
  if (others.length === 0) return found;
  const shown = [found, ...others].slice(0, 8).map((entity) => {
    return `\n  ${harmless(entity.id)}  (${describeEntity(state, entity).title})`;
  });
  const more = others.length + 1 - shown.length;
  const rest = more > 0 ? `\n  and ${more} more` : '';
  throw new CommandProblem(
    'AMBIGUOUS_ID',
    `${harmless(id)} stands for several things:${shown.join('')}${rest}`,
  );
}

const detailLines = 4;

function describeChain(chain: CausalChain, state: TraceState, look: Look): string[] {
  const lines = chain.hops.flatMap((hop, index) => {
    return describeHop(withoutRepetition(hop, chain.hops[index - 1]), state, look);
  });
  const ends: Record<CausalChain['end'], string> = {
    model_call: 'This call of the model is where it began.',
    outside: 'It came from outside: no call of the model caused it.',
    unknown: 'The trace does not tell what caused it.',
  };
  return [
    ...lines,
    paintLine([{ text: ends[chain.end], tone: chain.end === 'unknown' ? 'yellow' : 'dim' }], look),
  ];
}

/** A call, its cell and the item that asked for it have one text: told once. */
function withoutRepetition(hop: CausalHop, before: CausalHop | undefined): CausalHop {
  const start = (text: string | null | undefined) => text?.trim().slice(0, 100) ?? '';
  return start(hop.detail) !== '' && start(hop.detail) === start(before?.detail)
    ? { ...hop, detail: null }
    : hop;
}

function describeHop(hop: CausalHop, state: TraceState, look: Look): string[] {
  const { entity, title, status, detail, payloads, also, cause } = hop;
  const tone = status === 'failed' ? 'red' : status === 'completed' ? 'green' : 'yellow';
  const notes = [
    ...(hop.atMs === null || state.started_at_unix_ms === 0
      ? []
      : [`+${duration(Math.max(0, hop.atMs - state.started_at_unix_ms))}`]),
    ...(hop.seq === null ? [] : [`seq ${hop.seq}`]),
  ];
  const lines: Segment[][] = [
    [
      { text: oneLine(title), tone: 'bold' },
      ...(status === null ? [] : [{ text: ` ${status}`, tone } as const]),
      { text: notes.length === 0 ? '' : `  ${notes.join(', ')}`, tone: 'dim' },
    ],
    // Ids are there to be copied: they are never cut.
    [{ text: `  id ${harmless(entity.id)}`, tone: 'cyan' }],
  ];
  const all =
    detail === null
      ? []
      : harmless(withoutOutputHeader(detail).trim())
          .split('\n')
          .flatMap((line) => wrapLine(line, look.width - 4));
  const shown = all.length <= detailLines + 1 ? all : all.slice(0, detailLines);
  for (const line of shown) lines.push([{ text: `  │ ${line}`, tone: 'plain' }]);
  if (shown.length < all.length)
    lines.push([{ text: `  │ … ${all.length - shown.length} more`, tone: 'dim' }]);
  for (const { relation, entity: other } of also) {
    const { title: what } = describeEntity(state, other);
    lines.push([{ text: `  ${relation} ${oneLine(what)} (${harmless(other.id)})`, tone: 'dim' }]);
  }
  if (payloads.length > 0) {
    const places = payloads.map(({ role, path }) => `${harmless(path)} (${role})`);
    lines.push([{ text: `  read ${places.join(', ')}`, tone: 'dim' }]);
  }
  if (cause !== null) lines.push([{ text: `↑ ${cause}`, tone: 'yellow' }]);
  return lines.map((segments) => paintLine(segments, look, Infinity));
}
