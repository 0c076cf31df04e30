import type { PayloadLookup } from '../payload-files.js';
import type { CodeCell, TraceState } from '../state.js';
import {
  itemText,
  readCellResponse,
  readProtocolMessage,
  readRuntimeError,
  readToolResult,
  withoutExecHeader,
} from './payload-content.js';
import type { TimelineSpan } from './span.js';
import type { Timeline } from './timeline.js';

/** Something that went wrong, once: the innermost thing that tells of it. */
export interface TraceFailure {
  /** `failed`; `stopped` by somebody; `unfinished`: the trace has no end of it although it should. */
  kind: 'failed' | 'stopped' | 'unfinished';
  spanId: string;
  /** Where the end is told, or the start when there is no end. */
  seq: number;
  atMs: number;
  /** Why, as the trace tells it: an error's message and stack, say. Null when it does not. */
  reason: string | null;
  /** Payload that tells more, when there is one. */
  rawPayloadId: string | null;
}

/**
 * Lists what failed, was stopped or never ended, in the order of the trace. What failed only because something in it
 * did is left out: an `exec` whose cell failed, a turn whose inference failed.
 */
export function findFailures(state: TraceState, timeline: Timeline, payload: PayloadLookup): TraceFailure[] {
  const failures: TraceFailure[] = [];
  const explained = new Set<string>();
  // Children before what holds them, so that these know what is told already.
  for (const span of timeline.spans.toReversed()) {
    const kind = failureKind(state, timeline, span);
    if (kind === undefined) continue;
    // A tool's failure that the script handled does not explain that the cell failed.
    const told = span.kind !== 'code_cell' && explained.has(span.spanId);
    if (span.parentSpanId !== null && explains(span)) explained.add(span.parentSpanId);
    if (told || tellsOfCell(state, timeline, span, payload)) continue;
    const { reason, rawPayloadId } = reasonOf(state, span, payload);
    failures.push({
      kind,
      spanId: span.spanId,
      seq: span.endedSeq ?? span.startedSeq,
      atMs: span.endedAtMs ?? span.startedAtMs,
      reason,
      rawPayloadId,
    });
  }
  return failures.sort((a, b) => a.seq - b.seq);
}

/** Whether the failure of a span makes that of what holds it no news. */
function explains(span: TimelineSpan): boolean {
  if (span.kind === 'code_cell') return true;
  return span.outcome === 'failed' && (span.kind === 'inference' || span.kind === 'turn');
}

/** Whether a failed wait only tells that its cell failed. */
function tellsOfCell(
  state: TraceState,
  timeline: Timeline,
  span: TimelineSpan,
  payload: PayloadLookup,
): boolean {
  return span.links.some(({ kind, spanId }) => {
    const cell = timeline.byId.get(spanId);
    if (kind !== 'observes' || cell?.outcome !== 'failed') return false;
    if (withinSeq(cell.endedSeq, span)) return true;
    // The cell had failed before: the wait took its outcome, or was refused for another reason.
    const { reason } = reasonOf(state, span, payload);
    return reason !== null && (reasonOf(state, cell, payload).reason ?? '').includes(reason);
  });
}

function withinSeq(seq: number | null, span: TimelineSpan): boolean {
  return seq !== null && seq >= span.startedSeq && (span.endedSeq === null || seq <= span.endedSeq);
}

function failureKind(
  state: TraceState,
  timeline: Timeline,
  span: TimelineSpan,
): TraceFailure['kind'] | undefined {
  if (span.outcome === 'failed' || span.outcome === 'stopped') return span.outcome;
  if (span.outcome === 'ok' || span.kind === 'terminal') return undefined;
  // That the session has not ended is no news of its threads.
  if (span.kind === 'thread' && state.status === 'running') return undefined;
  // Its exec call failed, and tells why.
  const holder = span.parentSpanId === null ? undefined : timeline.byId.get(span.parentSpanId);
  if (span.kind === 'code_cell' && holder?.outcome === 'failed') return undefined;
  // Of what is still open, the innermost tells where the trace stops; a yielded cell is waited on later.
  if (span.status === 'yielded' && state.status === 'running') return undefined;
  const open = (id: string) => timeline.byId.get(id)?.outcome === 'unfinished';
  return span.childSpanIds.some(open) ? undefined : 'unfinished';
}

/** Why a span ended as it did, as far as the trace tells. */
export function reasonOf(
  state: TraceState,
  span: TimelineSpan,
  payload: PayloadLookup,
): { reason: string | null; rawPayloadId: string | null } {
  switch (span.kind) {
    case 'code_cell':
      return cellReason(state, span, payload);
    case 'tool_call':
    case 'wait':
      return toolReason(state, span, payload);
    case 'inference': {
      const told = state.extensions?.inference_errors[span.id] ?? null;
      const reason = told ?? (span.outcome === 'unfinished' ? unfinishedReason(state, span) : null);
      return { reason, rawPayloadId: state.inference_calls[span.id]?.raw_response_payload_id ?? null };
    }
    case 'compaction_request':
      return { reason: state.extensions?.compaction_errors[span.id] ?? null, rawPayloadId: null };
    case 'turn':
    case 'thread':
      return hostReason(state, span, payload);
    case 'terminal':
    case 'compaction':
      return { reason: null, rawPayloadId: null };
  }
}

/** What stands before an error in the output of a cell. */
const scriptError = 'Script error:\n';

function cellReason(state: TraceState, span: TimelineSpan, payload: PayloadLookup) {
  const cell = state.code_cells[span.id];
  const rawPayloadId = cell?.raw_result_payload_id ?? cell?.raw_initial_response_payload_id ?? null;
  const response = readCellResponse(payload(rawPayloadId));
  const errorText = response?.errorText ?? null;
  // What the model is told may go on where the error ends: with a stack, or with advice.
  const told = [...(response?.items ?? []), ...outputsOf(state, cell)]
    .flatMap((text) => {
      const start = text.lastIndexOf(scriptError);
      return start < 0 ? [] : [text.slice(start + scriptError.length)];
    })
    .findLast((text) => text.startsWith(errorText ?? ''));
  if (span.outcome !== 'unfinished' && told !== undefined) return { reason: told, rawPayloadId };
  if (errorText !== null) return { reason: errorText, rawPayloadId };
  const waits = state.extensions?.cell_waits[span.id] ?? [];
  const terminator = waits.find((wait) => wait.terminate);
  if (span.status === 'terminated' && terminator !== undefined) {
    return { reason: `the model asked for it (${terminator.tool_call_id})`, rawPayloadId };
  }
  const turn = state.codex_turns[cell?.codex_turn_id ?? ''];
  if (span.outcome === 'stopped' && turn !== undefined && turn.execution.ended_seq === span.endedSeq) {
    return { reason: `its turn was ${turn.execution.status}`, rawPayloadId };
  }
  if (span.outcome === 'unfinished') return { reason: unfinishedReason(state, span), rawPayloadId };
  const text = outputsOf(state, cell).at(-1) ?? '';
  return { reason: span.outcome === 'failed' && text !== '' ? text : null, rawPayloadId };
}

/** What the model was given of a cell: by its `exec` call, and by the waits on it. */
function outputsOf(state: TraceState, cell: CodeCell | undefined): string[] {
  const fromWaits = (cell?.wait_tool_call_ids ?? []).flatMap(
    (id) => state.tool_calls[id]?.model_visible_output_item_ids ?? [],
  );
  return [...(cell?.output_item_ids ?? []), ...fromWaits].flatMap((id) => {
    const item = state.conversation_items[id];
    return item === undefined ? [] : [withoutExecHeader(itemText(item))];
  });
}

/** Of what the trace has no end of: what ended instead. */
function unfinishedReason(state: TraceState, span: TimelineSpan): string {
  const turn = span.turnId === null ? undefined : state.codex_turns[span.turnId]?.execution;
  if (turn?.ended_seq != null) return `no end was recorded; its turn ended at seq ${turn.ended_seq}`;
  return 'no end was recorded';
}

function toolReason(state: TraceState, span: TimelineSpan, payload: PayloadLookup) {
  const call = state.tool_calls[span.id];
  if (call === undefined) return { reason: null, rawPayloadId: null };
  const abandoned = state.extensions?.abandoned_tool_calls[span.id];
  if (span.outcome === 'unfinished' && abandoned !== undefined) {
    const what = abandoned.closed_by === 'codex_turn_ended' ? 'its turn' : 'the session';
    return { reason: `no end was recorded; ${what} ended at seq ${abandoned.seq}`, rawPayloadId: null };
  }
  if (span.outcome === 'unfinished') return { reason: unfinishedReason(state, span), rawPayloadId: null };
  const result = readToolResult(payload(call.raw_result_payload_id));
  if (result !== undefined && result.text !== '') {
    return { reason: withoutExecHeader(result.text), rawPayloadId: call.raw_result_payload_id };
  }
  for (const id of call.raw_runtime_payload_ids.toReversed()) {
    const reason = readRuntimeError(payload(id));
    if (reason !== undefined) return { reason, rawPayloadId: id };
  }
  const output = call.model_visible_output_item_ids.flatMap((id) => state.conversation_items[id] ?? [])[0];
  return {
    reason: output === undefined ? null : itemText(output),
    rawPayloadId: call.raw_result_payload_id,
  };
}

/** The last thing that the host told its user before the turn ended. */
function hostReason(state: TraceState, span: TimelineSpan, payload: PayloadLookup) {
  const told = (state.extensions?.protocol_events ?? []).filter(
    ({ type, seq }) =>
      (type === 'error' || type === 'turn_aborted') &&
      seq >= span.startedSeq &&
      // The host tells of an interruption just after the turn's end.
      seq <= (span.endedSeq ?? Infinity) + 2,
  );
  for (const { raw_payload_id: rawPayloadId } of told.toReversed()) {
    const reason = readProtocolMessage(payload(rawPayloadId));
    if (reason !== undefined) return { reason, rawPayloadId };
  }
  return { reason: null, rawPayloadId: null };
}
