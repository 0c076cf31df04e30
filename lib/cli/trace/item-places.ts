import { readProtocolMessage } from '../../trace/analysis/payload-content.js';
import type { Timeline } from '../../trace/analysis/index.js';
import type { PayloadLookup } from '../../trace/payload-files.js';
import type { ConversationItem, TraceState } from '../../trace/state.js';
import type { ItemPlaces } from './session-tree.js';

/** Finds out where in the tree each conversation item is shown. Outputs of calls are shown with their calls. */
export function placeItems(
  state: TraceState,
  timeline: Timeline,
  payload: PayloadLookup,
  full: boolean,
): ItemPlaces {
  const shownCalls = new Set(
    Object.values(state.tool_calls).flatMap((call) => call.model_visible_call_item_ids),
  );
  for (const cell of Object.values(state.code_cells)) shownCalls.add(cell.source_item_id);
  const shownOutputs = new Set([
    ...Object.values(state.tool_calls).flatMap((call) => call.model_visible_output_item_ids),
    ...Object.values(state.code_cells).flatMap((cell) => cell.output_item_ids),
  ]);
  // A host that tells of a message of the user that it is new tells so of all that are.
  const turnsWithAcceptance = new Set(
    Object.values(state.conversation_items)
      .filter(
        (item) => item.accepted_seq !== undefined && item.role === 'user' && item.produced_by.length === 0,
      )
      .map((item) => item.codex_turn_id),
  );
  const ofInference = new Map<string, ConversationItem[]>();
  const ofTurn = new Map<string, ConversationItem[]>();
  const ofThread = new Map<string, ConversationItem[]>();
  const earlier = new Map<string, number>();
  for (const item of Object.values(state.conversation_items).toSorted(byOrdinal)) {
    if (item.kind === 'compaction_marker' || shownOutputs.has(item.item_id)) continue;
    if (!full && (item.role === 'developer' || item.role === 'system')) continue;
    const producer = item.produced_by[0];
    if (producer?.type === 'compaction' && !full) continue;
    const isCall = item.role === 'assistant' && item.call_id !== null;
    if (isCall && shownCalls.has(item.item_id)) continue;
    const inference = item.produced_by.find(({ type }) => type === 'inference');
    if (
      inference?.type === 'inference' &&
      Object.hasOwn(state.inference_calls, inference.inference_call_id)
    ) {
      push(ofInference, inference.inference_call_id, item);
      continue;
    }
    const turn = item.codex_turn_id;
    if (turn === null || !timeline.byId.has(`turn:${turn}`)) {
      push(ofThread, item.thread_id, item);
      continue;
    }
    const isHistory =
      item.produced_by.length === 0 && item.accepted_seq === undefined && turnsWithAcceptance.has(turn);
    if (isHistory && !full) {
      earlier.set(turn, (earlier.get(turn) ?? 0) + 1);
    } else {
      push(ofTurn, turn, item);
    }
  }
  return {
    ofInference,
    ofTurn,
    ofThread,
    earlier,
    warnings: warningsOf(state, timeline, payload),
    seqOf: firstSeqs(state),
  };
}

/** Ids of items are numbered in the order of their creation. */
function byOrdinal(a: ConversationItem, b: ConversationItem): number {
  return ordinal(a) - ordinal(b);
}

function ordinal({ item_id: id }: ConversationItem): number {
  return Number(/\d+$/.exec(id)?.[0] ?? 0);
}

function warningsOf(state: TraceState, timeline: Timeline, payload: PayloadLookup): ItemPlaces['warnings'] {
  const warnings: Map<string, { seq: number; atMs: number; type: string; message: string }[]> = new Map();
  const turns = timeline.spans.filter(({ kind }) => kind === 'turn');
  for (const event of state.extensions?.protocol_events ?? []) {
    // Errors are the reason of what failed, and told there.
    if (event.type !== 'warning') continue;
    const message = readProtocolMessage(payload(event.raw_payload_id));
    const turn = turns.findLast((span) => span.startedSeq <= event.seq) ?? turns[0];
    if (message === undefined || turn === undefined) continue;
    push(warnings, turn.id, { seq: event.seq, atMs: event.at_unix_ms, type: event.type, message });
  }
  return warnings;
}

function firstSeqs(state: TraceState): Map<string, number> {
  const seqs = new Map<string, number>();
  for (const call of Object.values(state.inference_calls)) {
    const seq = call.execution.started_seq;
    for (const id of call.request_item_ids) {
      const known = seqs.get(id);
      // Just before the request that has it.
      if (known === undefined || seq - 0.5 < known) seqs.set(id, seq - 0.5);
    }
  }
  return seqs;
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
