import {
  buildTimeline,
  findFailures,
  shortIds,
  type Timeline,
  type TimelineInteraction,
  type TraceFailure,
} from '../../trace/analysis/index.js';
import type { TraceDiagnostic } from '../../trace/errors.js';
import { payloadLookup, type PayloadLookup } from '../../trace/payload-files.js';
import type { TraceState } from '../../trace/state.js';
import { EXIT } from '../exit-codes.js';
import {
  count,
  duration,
  harmless,
  lookOf,
  paintLine,
  wrapLine,
  type Segment,
  type Tone,
} from '../terminal-text.js';
import { reduceFolder } from './bundle-folder.js';
import { defineCommand } from './command.js';
import { describeDiagnostic } from './diagnostics.js';
import { placeItems } from './item-places.js';
import { nameOf, notEnded, threadTrees, toneOf, type TreeSource } from './session-tree.js';
import { renderTree, type TreeLook } from './tree.js';

export const showCommand = defineCommand({
  name: 'show',
  synopsis: 'show <bundle> [--full]',
  summary: 'Show a session as a tree: what went wrong, turns, model calls, cells, nested calls, output.',
  help: `Shows what happened in a session: first what failed, was stopped or never ended, then threads and turns with
model calls, exec cells and their source, nested calls, waits, output and errors. Each line begins with the time
since the start. Long texts are cut; ids are cut as long as they stay unique, and \`trace why\` takes them so.

  ✗ failed   ■ stopped (cancelled, aborted, terminated)   ? the trace has no end of it

Options:
  --full       Whole texts and ids, and messages of the developer and the system too.
  -h, --help   Show this text.

Colours are used on a terminal, unless NO_COLOR is set. COLUMNS sets the width where the terminal does not.`,
  positionals: ['bundle'],
  options: { full: { type: 'boolean' } },
  run: async ({ values, positionals: [bundle = ''], printer }) => {
    const { state, diagnostics } = await reduceFolder(bundle);
    const full = values.full ?? false;
    const look: TreeLook = { ...lookOf(process.stdout), full };
    const lines = sessionLines(state, diagnostics, payloadLookup(bundle, state), look);
    printer.print(`${lines.join('\n')}\n`);
    return EXIT.completed;
  },
});

/** The whole text for a terminal, line by line. */
export function sessionLines(
  state: TraceState,
  diagnostics: readonly TraceDiagnostic[],
  payload: PayloadLookup,
  look: TreeLook,
): string[] {
  const timeline = buildTimeline(state);
  const failures = findFailures(state, timeline, payload);
  const source: TreeSource = {
    state,
    timeline,
    payload,
    failures: new Map(failures.map((failure) => [failure.spanId, failure])),
    shortIds: shortIds(state),
    full: look.full,
    items: placeItems(state, timeline, payload, look.full),
    turnNumbers: numberTurns(timeline),
    sent: interactionsBySource(timeline),
  };
  return [
    ...summary(state, timeline, failures, look),
    ...damage(state, diagnostics, look),
    ...failures.flatMap((failure) => failureLines(source, failure, look)),
    '',
    ...threadTrees(source).flatMap((tree) => renderTree(tree, look)),
  ];
}

function numberTurns({ spans }: Timeline): Map<string, number> {
  const numbers = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const { kind, spanId, threadId } of spans) {
    if (kind !== 'turn') continue;
    const number = (counts.get(threadId) ?? 0) + 1;
    counts.set(threadId, number);
    numbers.set(spanId, number);
  }
  return numbers;
}

function interactionsBySource({ interactions }: Timeline): Map<string, TimelineInteraction[]> {
  const bySource = new Map<string, TimelineInteraction[]>();
  for (const interaction of interactions) {
    const { sourceSpanId } = interaction;
    if (sourceSpanId === null) continue;
    const known = bySource.get(sourceSpanId);
    if (known === undefined) bySource.set(sourceSpanId, [interaction]);
    else known.push(interaction);
  }
  return bySource;
}

function summary(
  state: TraceState,
  timeline: Timeline,
  failures: readonly TraceFailure[],
  look: TreeLook,
): string[] {
  const took = duration(timeline.endedAtMs - timeline.startedAtMs);
  const started = new Date(timeline.startedAtMs);
  const when =
    timeline.startedAtMs === 0 || Number.isNaN(started.getTime())
      ? 'at an unknown time'
      : `${started.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const tone: Tone = state.status === 'completed' ? 'green' : state.status === 'running' ? 'yellow' : 'red';
  const amounts = (
    [
      ['thread', 'thread'],
      ['turn', 'turn'],
      ['inference', 'model call'],
      ['code_cell', 'cell'],
    ] as const
  ).map(([kind, noun]) => count(timeline.spans.filter((span) => span.kind === kind).length, noun));
  const nested = Object.values(state.tool_calls).filter(({ requester }) => requester.type === 'code_cell');
  const ended = state.status === 'running' ? 'not ended' : state.status;
  const troubles = (['failed', 'stopped', 'unfinished'] as const).flatMap((kind): Segment[] => {
    const amount = failures.filter((failure) => failure.kind === kind).length;
    return amount === 0 ? [] : [{ text: `, ${amount} ${kind}`, tone: toneOf({ kind }) }];
  });
  const heads: Segment[][] = [
    [
      { text: 'session ', tone: 'plain' },
      { text: harmless(state.rollout_id === '' ? 'without an id' : state.rollout_id), tone: 'bold' },
    ],
    [{ text: ended, tone }, { text: `, ${took}, ${when}`, tone: 'plain' }, ...troubles],
    [{ text: [...amounts, count(nested.length, 'nested call')].join(', '), tone: 'dim' }],
  ];
  return heads.map((head) => paintLine(head, look));
}

const shownDiagnostics = 5;

function damage(state: TraceState, diagnostics: readonly TraceDiagnostic[], look: TreeLook): string[] {
  const notes: Segment[][] = [];
  if (!state.recording_complete) {
    notes.push([{ text: 'The recording is not complete: what came later is not known.', tone: 'yellow' }]);
  }
  if (diagnostics.length > 0) {
    notes.push([{ text: `The bundle has ${count(diagnostics.length, 'problem')}:`, tone: 'yellow' }]);
    const shown = look.full ? diagnostics : diagnostics.slice(0, shownDiagnostics);
    for (const diagnostic of shown) {
      const [first = '', ...rest] = wrapLine(harmless(describeDiagnostic(diagnostic)), look.width - 4);
      notes.push([{ text: `  ${first}`, tone: 'yellow' }]);
      for (const text of rest) notes.push([{ text: `    ${text}`, tone: 'yellow' }]);
    }
    const more = diagnostics.length - shown.length;
    if (more > 0) notes.push([{ text: `  and ${more} more; \`trace verify\` lists them`, tone: 'yellow' }]);
  }
  const lines = notes.map((note) => paintLine(note, look));
  return lines.length === 0 ? [] : ['', ...lines];
}

const reasonLines = 5;

function failureLines(source: TreeSource, failure: TraceFailure, look: TreeLook): string[] {
  const span = source.timeline.byId.get(failure.spanId)!;
  const sign = failure.kind === 'failed' ? '✗' : failure.kind === 'stopped' ? '■' : '?';
  const what = failure.kind === 'unfinished' ? notEnded(span.status) : span.status;
  const label = span.kind === 'inference' ? `model call of ${span.label}` : span.label;
  const holder = span.parentSpanId === null ? undefined : source.timeline.byId.get(span.parentSpanId);
  const wentOn = holder?.kind === 'code_cell' && holder.outcome === 'ok' ? '; its cell went on' : '';
  const head: Segment[] = [
    { text: `${sign} ${harmless(label)} ${what}`, tone: toneOf(failure) },
    { text: `  ${nameOf(source, span.id)}, seq ${failure.seq}${wentOn}`, tone: 'dim' },
  ];
  const all = harmless(failure.reason ?? '')
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => wrapLine(line, look.width - 4));
  const shown = look.full || all.length <= reasonLines + 1 ? all : all.slice(0, reasonLines);
  const reason = shown.map((text): Segment[] => [{ text: `    ${text}`, tone: 'plain' }]);
  if (shown.length < all.length) {
    reason.push([{ text: `    … ${all.length - shown.length} more lines`, tone: 'dim' }]);
  }
  return [
    '',
    paintLine(head, look, look.full ? Infinity : look.width),
    ...reason.map((segments) => paintLine(segments, look)),
  ];
}
