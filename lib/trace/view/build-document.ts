import type { ReducedBundle } from '../bundle.js';
import type { TraceDiagnostic } from '../errors.js';
import type { TraceState } from '../state.js';
import { buildTimeline, findFailures } from '../analysis/index.js';
import type { PayloadLookup } from '../payload-files.js';
import { CauseFinder } from './causes.js';
import { DetailWriter, sumUsage, usageFacts } from './details.js';
import type { ViewDiagnostic, ViewDocument, ViewFact, ViewSummary } from './document.js';
import { preview } from './payload-text.js';
import { buildRows, type RowTable } from './row-builder.js';

export interface BuildOptions {
  payload: PayloadLookup;
  title: string;
  /** Characters after which a text is cut. */
  textLimit: number;
}

/** Makes what a page shows out of a reduced bundle. */
export function buildDocument(bundle: ReducedBundle, options: BuildOptions): ViewDocument {
  const { state, diagnostics } = bundle;
  const { payload, textLimit } = options;
  const timeline = buildTimeline(state);
  const table = buildRows(state, timeline);
  const finder = new CauseFinder(state, timeline, table);
  finder.find().forEach((causes, index) => {
    if (causes.length > 0) table.rows[index]!.row.causes = causes;
  });
  const writer = new DetailWriter({ state, timeline, table, finder, payload, textLimit });
  return {
    summary: summarize(state, table, options.title),
    rows: table.rows.map(({ row }) => row),
    details: table.rows.map((row) => writer.write(row)),
    items: writer.items,
    edges: finder.edges(),
    diagnostics: placeDiagnostics(diagnostics, table),
    failures: findFailures(state, timeline, payload).flatMap(({ spanId, reason }) => {
      const row = table.index.get(spanId);
      const subject = row === undefined ? undefined : table.rows[row]!.subject;
      // A row that shows a cell and its `exec` call tells of the cell.
      const isTold =
        subject?.type === 'cell' && subject.span !== undefined && subject.exec?.spanId === spanId;
      return row === undefined || isTold ? [] : [{ row, reason: preview(reason ?? '', 160) }];
    }),
  };
}

function summarize(state: TraceState, table: RowTable, title: string): ViewSummary {
  const notes: string[] = [];
  if (!state.recording_complete)
    notes.push('The recording was not completed: its last events may be missing.');
  if (state.ended_at_unix_ms === null) notes.push('The end of the session is not in the trace.');
  const source = state.extensions?.source_schema_version;
  const unknown = state.extensions?.unknown_events.length ?? 0;
  if (unknown > 0) notes.push(`${unknown} ${unknown === 1 ? 'event is' : 'events are'} of an unknown type.`);
  const usage = sumUsage(Object.values(state.inference_calls).flatMap((call) => call.usage ?? []));
  const facts: ViewFact[] = [
    { name: 'started', text: new Date(table.startedAt).toISOString() },
    { name: 'threads', text: String(Object.keys(state.threads).length) },
    { name: 'turns', text: String(Object.keys(state.codex_turns).length) },
    { name: 'inference calls', text: String(Object.keys(state.inference_calls).length) },
    { name: 'exec cells', text: String(Object.keys(state.code_cells).length) },
    { name: 'tool calls', text: String(Object.keys(state.tool_calls).length) },
    ...usageFacts(usage),
    { name: 'rollout', text: state.rollout_id, isId: true },
    { name: 'trace', text: state.trace_id, isId: true },
    { name: 'schema version', text: String(source ?? state.schema_version) },
  ];
  return {
    title,
    status: state.status,
    startedAt: table.startedAt,
    duration: Math.max(table.endedAt - table.startedAt, 1),
    facts,
    notes,
  };
}

function placeDiagnostics(diagnostics: readonly TraceDiagnostic[], table: RowTable): ViewDiagnostic[] {
  const bySeq = new Map<number, number>();
  table.rows.forEach(({ seqs }, index) => {
    if (seqs.last !== null) bySeq.set(seqs.last, index);
  });
  table.rows.forEach(({ seqs }, index) => {
    if (seqs.first > 0) bySeq.set(seqs.first, index);
  });
  return diagnostics.map(({ severity, code, message, seq, line }) => {
    const place = [seq === undefined ? '' : `event ${seq}`, line === undefined ? '' : `line ${line}`];
    const row = seq === undefined ? undefined : bySeq.get(seq);
    return {
      severity,
      code,
      message,
      place: place.filter((text) => text !== '').join(', '),
      ...(row === undefined ? {} : { row }),
    };
  });
}
