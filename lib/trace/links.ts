import { linkCellOutput, materializeCell } from './code-cells.js';
import { addProducer, type ItemRecord, type ThreadRecord, type TraceGraph } from './graph.js';
import type { InferenceCall, ToolCall } from './state.js';

/** Ties an item that has a call id to its tool call and to its cell. Called for every sighting. */
export function linkItem(graph: TraceGraph, thread: ThreadRecord, record: ItemRecord): void {
  const callId = record.item.call_id!;
  const { kind } = record.item;
  const isCall = kind === 'function_call' || kind === 'custom_tool_call';
  const tool = graph.toolsByCall.get(callId);
  if (tool !== undefined) {
    if (isCall) linkCallItem(graph, tool, record);
    else linkOutputItem(graph, tool, record);
  }
  if (kind === 'custom_tool_call') materializeCell(graph, thread, callId, record);
  if (kind === 'custom_tool_call_output' && !record.linkedToCell) {
    const cell = graph.cells.get(`code_cell:${callId}`);
    if (cell !== undefined) linkCellOutput(cell, record);
  }
}

export function linkCallItem(graph: TraceGraph, tool: ToolCall, record: ItemRecord): void {
  if (!record.linkedToTool) {
    record.linkedToTool = true;
    tool.model_visible_call_item_ids.push(record.item.item_id);
    observe(graph, tool);
  }
  for (const inference of graph.responsesByItem.get(record.item.item_id) ?? []) {
    addStartedTool(graph, inference, tool.tool_call_id);
  }
}

export function linkOutputItem(graph: TraceGraph, tool: ToolCall, record: ItemRecord): void {
  if (record.linkedToTool) return;
  record.linkedToTool = true;
  tool.model_visible_output_item_ids.push(record.item.item_id);
  addProducer(record.item, { type: 'tool', tool_call_id: tool.tool_call_id });
  observe(graph, tool);
}

function addStartedTool(graph: TraceGraph, inference: InferenceCall, toolCallId: string): void {
  let known = graph.toolsByInference.get(inference);
  if (known === undefined) graph.toolsByInference.set(inference, (known = new Set()));
  if (known.has(toolCallId)) return;
  known.add(toolCallId);
  inference.tool_call_ids_started_by_response.push(toolCallId);
}

/** What the model saw of a terminal operation is what it saw of its tool call. */
export function observe(graph: TraceGraph, tool: ToolCall): void {
  if (tool.terminal_operation_id === null) return;
  const operation = graph.terminalOperations.get(tool.terminal_operation_id);
  if (operation === undefined) return;
  if (tool.model_visible_call_item_ids.length + tool.model_visible_output_item_ids.length === 0) return;
  // The lists are those of the tool call itself, so later items appear in both.
  operation.model_observations = [
    {
      call_item_ids: tool.model_visible_call_item_ids,
      output_item_ids: tool.model_visible_output_item_ids,
      source: 'direct_tool_call',
    },
  ];
}

/** Ties a tool call that has just started to the items of its thread that are there already. */
export function linkKnownItems(
  graph: TraceGraph,
  thread: ThreadRecord,
  tool: ToolCall,
  callId: string,
): void {
  const items = thread.byCall.get(callId);
  if (items === undefined) return;
  for (const record of items.calls) linkCallItem(graph, tool, record);
  for (const record of items.outputs) linkOutputItem(graph, tool, record);
}
