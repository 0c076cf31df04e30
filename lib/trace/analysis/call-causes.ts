import type { ConversationItem, InferenceCall, ToolCall, TraceState } from '../state.js';
import { spanIdOf, type SpanLink } from './span.js';

/** What asked for a call, and what a call has to do with cells: indexes over one state. */
export class CallCauses {
  readonly #state: TraceState;
  readonly #waits = new Map<string, { cellId: string; terminate: boolean }[]>();
  readonly #execs = new Map<string, string>();
  readonly #requested = new Map<string, string>();

  constructor(state: TraceState) {
    this.#state = state;
    for (const [cellId, waits] of Object.entries(state.extensions?.cell_waits ?? {})) {
      for (const { tool_call_id: toolId, terminate } of waits) this.#addWait(toolId, cellId, terminate);
    }
    for (const cell of Object.values(state.code_cells)) {
      for (const toolId of cell.wait_tool_call_ids) this.#addWait(toolId, cell.code_cell_id, false);
    }
    for (const call of Object.values(state.tool_calls)) {
      if (call.started_code_cell_id !== undefined)
        this.#execs.set(call.started_code_cell_id, call.tool_call_id);
    }
    for (const inference of Object.values(state.inference_calls)) {
      const early = state.extensions?.tool_call_ids_requested_by_response[inference.inference_call_id] ?? [];
      for (const toolId of [...inference.tool_call_ids_started_by_response, ...early]) {
        if (!this.#requested.has(toolId)) this.#requested.set(toolId, inference.inference_call_id);
      }
    }
  }

  #addWait(toolId: string, cellId: string, terminate: boolean): void {
    const known = this.#waits.get(toolId);
    if (known === undefined) this.#waits.set(toolId, [{ cellId, terminate }]);
    else if (!known.some((wait) => wait.cellId === cellId)) known.push({ cellId, terminate });
  }

  /** The cells that a call waited on. */
  waitsOn(toolId: string): readonly { cellId: string; terminate: boolean }[] {
    return this.#waits.get(toolId) ?? [];
  }

  /** A `wait` stays one when its cell is not known. */
  isWait(call: ToolCall): boolean {
    return (
      this.#waits.has(call.tool_call_id) ||
      (call.kind.type === 'other' && call.kind.name === 'wait' && call.requester.type === 'model')
    );
  }

  spanIdOfTool(toolId: string): string {
    const call = this.#state.tool_calls[toolId];
    return spanIdOf(call !== undefined && this.isWait(call) ? 'wait' : 'tool_call', toolId);
  }

  /** The `exec` call that started a cell. */
  execOf(cellId: string): string | undefined {
    return this.#execs.get(cellId);
  }

  inferenceOfCall(call: ToolCall): string | undefined {
    const requested = this.#requested.get(call.tool_call_id);
    if (requested !== undefined) return requested;
    for (const itemId of call.model_visible_call_item_ids) {
      const inferenceId = this.inferenceOfItem(itemId);
      if (inferenceId !== undefined) return inferenceId;
    }
    return undefined;
  }

  inferenceOfItem(itemId: string): string | undefined {
    return inferenceProducerOf(this.#state.conversation_items[itemId]);
  }

  /** Links of each inference to the calls whose outputs it was the first of its thread to read. */
  firstReads(): Map<string, SpanLink[]> {
    const seen = new Set<string>();
    const reads = new Map<string, SpanLink[]>();
    const calls = Object.values(this.#state.inference_calls).toSorted(byStart);
    for (const call of calls) {
      const links = new Map<string, SpanLink>();
      for (const itemId of call.request_item_ids) {
        if (seen.has(itemId)) continue;
        seen.add(itemId);
        for (const producer of this.#state.conversation_items[itemId]?.produced_by ?? []) {
          if (producer.type !== 'tool') continue;
          const spanId = this.spanIdOfTool(producer.tool_call_id);
          links.set(spanId, { kind: 'reads', spanId });
        }
      }
      reads.set(call.inference_call_id, [...links.values()]);
    }
    return reads;
  }
}

export function inferenceProducerOf(item: ConversationItem | undefined): string | undefined {
  for (const producer of item?.produced_by ?? []) {
    if (producer.type === 'inference') return producer.inference_call_id;
  }
  return undefined;
}

function byStart(a: InferenceCall, b: InferenceCall): number {
  return a.execution.started_seq - b.execution.started_seq;
}
