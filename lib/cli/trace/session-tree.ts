import {
  itemText,
  reasonOf,
  readToolInvocation,
  readToolResult,
  type Timeline,
  type TimelineInteraction,
  type TimelineSpan,
  type TraceFailure,
} from '../../trace/analysis/index.js';
import { itemSeq } from '../../trace/analysis/descriptions.js';
import type { PayloadLookup } from '../../trace/payload-files.js';
import type { ConversationItem, ToolCall, TraceState } from '../../trace/state.js';
import { count, duration, harmless, oneLine, type Segment, type Tone } from '../terminal-text.js';
import { cellNodes } from './cell-tree.js';
import { withoutAgentHeader, withoutOutputHeader } from './output-text.js';
import type { TextBlock, TreeNode } from './tree.js';

/** What the nodes of one trace are made from. */
export interface TreeSource {
  state: TraceState;
  timeline: Timeline;
  payload: PayloadLookup;
  failures: ReadonlyMap<string, TraceFailure>;
  shortIds: ReadonlyMap<string, string>;
  full: boolean;
  /** Items by what shows them. */
  items: ItemPlaces;
  /** By `spanId`: the number of a turn in its thread, from 1. */
  turnNumbers: ReadonlyMap<string, number>;
  /** By `spanId`: what a call sent to other agents. */
  sent: ReadonlyMap<string, TimelineInteraction[]>;
}

interface Placed {
  seq: number;
  node: TreeNode;
}

/** One tree per thread, by the order in which they started. */
export function threadTrees(source: TreeSource): TreeNode[] {
  const { timeline } = source;
  const threads = timeline.spans.filter(({ kind }) => kind === 'thread');
  const trees = threads.map((span) => threadNode(source, span));
  // What belongs to no known thread is shown all the same.
  const strays = timeline.rootSpanIds
    .map((id) => timeline.byId.get(id)!)
    .filter(({ kind }) => kind !== 'thread')
    .map((span) => spanNode(source, span));
  return [...trees, ...strays];
}

function threadNode(source: TreeSource, span: TimelineSpan): TreeNode {
  const { state, timeline } = source;
  const thread = state.threads[span.id];
  const spawner = span.links.find(({ kind }) => kind === 'spawned_by');
  const model = thread?.default_model;
  const notes = [
    ...(span.detail === null ? [] : [`"${oneLine(span.detail)}"`]),
    ...(model == null ? [] : [harmless(model)]),
    ...(spawner === undefined ? [] : [`spawned by ${nameOf(source, timeline.byId.get(spawner.spanId)!.id)}`]),
  ];
  const head: Segment[] = [
    ...mark(source, span),
    { text: `${oneLine(span.label)} `, tone: 'bold' },
    ...endOf(span),
    { text: `  ${nameOf(source, span.id)}  ${notes.join(', ')}`, tone: 'dim' },
  ];
  const children = childrenOf(source, span, ({ kind }) => kind !== 'thread' && kind !== 'terminal');
  for (const item of source.items.ofThread.get(span.id) ?? []) children.push(itemPlaced(source, item));
  const terminals = childrenOf(source, span, ({ kind, links, outcome }) => {
    return kind === 'terminal' && (links.length > 1 || outcome === 'unfinished');
  });
  return {
    offsetMs: offsetOf(source, span.startedAtMs),
    head,
    blocks: [],
    children: [...inOrder(children), ...inOrder(terminals)],
  };
}

function spanNode(source: TreeSource, span: TimelineSpan): TreeNode {
  switch (span.kind) {
    case 'turn':
      return turnNode(source, span);
    case 'inference':
      return inferenceNode(source, span);
    case 'tool_call':
    case 'wait':
      return toolNode(source, span);
    case 'terminal':
      return terminalNode(source, span);
    case 'thread':
      return threadNode(source, span);
    case 'code_cell':
    case 'compaction':
    case 'compaction_request':
      return {
        ...plainNode(source, span, span.kind === 'code_cell' ? null : span.detail),
        children: span.kind === 'code_cell' ? cellNodes(source, span, toolNode) : [],
      };
  }
}

function turnNode(source: TreeSource, span: TimelineSpan): TreeNode {
  const children = childrenOf(source, span, () => true);
  for (const item of source.items.ofTurn.get(span.id) ?? []) children.push(itemPlaced(source, item));
  const earlier = source.items.earlier.get(span.id) ?? 0;
  if (earlier > 0) {
    const text = `${count(earlier, 'item')} of earlier history`;
    children.push({ seq: span.startedSeq, node: textNode(null, [{ text, tone: 'dim' }]) });
  }
  for (const event of source.items.warnings.get(span.id) ?? []) {
    const head: Segment[] = [{ text: `! ${event.type}: ${oneLine(event.message)}`, tone: 'yellow' }];
    children.push({ seq: event.seq, node: textNode(offsetOf(source, event.atMs), head) });
  }
  return {
    ...plainNode(source, { ...span, label: `turn ${source.turnNumbers.get(span.spanId) ?? ''}` }, null),
    children: inOrder(children),
  };
}

function inferenceNode(source: TreeSource, span: TimelineSpan): TreeNode {
  const call = source.state.inference_calls[span.id];
  const usage = call?.usage;
  const tokens =
    usage == null
      ? null
      : `${usage.input_tokens} tokens in${usage.cached_input_tokens > 0 ? ` (${usage.cached_input_tokens} cached)` : ''}, ${usage.output_tokens} out`;
  const items = source.items.ofInference.get(span.id) ?? [];
  return {
    ...plainNode(source, { ...span, label: `model ${span.label}` }, tokens),
    children: items.map((item) => itemPlaced(source, item).node),
  };
}

function toolNode(source: TreeSource, span: TimelineSpan): TreeNode {
  const { state, timeline } = source;
  const call = state.tool_calls[span.id];
  const cells = span.childSpanIds
    .map((id) => timeline.byId.get(id)!)
    .filter(({ kind }) => kind === 'code_cell');
  const [cell] = cells;
  const node = plainNode(source, span, cell === undefined ? detailOf(source, span, call) : null);
  if (cell !== undefined) {
    node.head = [
      ...(source.failures.has(span.spanId) ? mark(source, span) : mark(source, cell)),
      { text: `${oneLine(span.label)} `, tone: 'cyan' },
      { text: `${nameOf(source, span.id)} `, tone: 'dim' },
      { text: `→ ${oneLine(cell.label)} `, tone: 'bold' },
      ...endOf(cell),
    ];
  }
  node.children = cells.flatMap((each) => cellNodes(source, each, toolNode));
  node.children.push(...interactionNodes(source, span));
  const sourceless = state.extensions?.cells_without_source[`code_cell:${call?.model_visible_call_id}`];
  if (sourceless !== undefined && cell === undefined) {
    const text = `started cell ${harmless(sourceless.runtime_cell_id)}; the conversation has no call with its source`;
    node.children.push(textNode(null, [{ text, tone: 'yellow' }]));
  }
  if (call !== undefined && (cell === undefined || cells.length > 1)) {
    node.blocks.push(...toolOutput(source, span, call));
  }
  return node;
}

function detailOf(source: TreeSource, span: TimelineSpan, call: ToolCall | undefined): string | null {
  if (span.kind === 'wait') {
    const waits = span.links.filter(({ kind }) => kind === 'observes' || kind === 'terminates');
    const texts = waits.map((link) => {
      const cell = source.timeline.byId.get(link.spanId)!;
      const wait = source.state.extensions?.cell_waits[cell.id]?.find(
        ({ tool_call_id: id }) => id === span.id,
      );
      const result =
        wait === undefined || wait.outcome === 'running' || source.failures.has(span.spanId)
          ? ''
          : wait.outcome === 'yielded'
            ? ': still running'
            : `: ${cell.status}`;
      return `${link.kind === 'terminates' ? 'terminate ' : ''}${cell.label}${result}`;
    });
    if (texts.length > 0) return `→ ${texts.join(', ')}`;
  }
  if (source.full && call !== undefined && call.terminal_operation_id === null) {
    return readToolInvocation(source.payload(call.raw_invocation_payload_id)) ?? span.detail;
  }
  return span.detail;
}

/** What a call that started no cell gave back. */
function toolOutput(source: TreeSource, span: TimelineSpan, call: ToolCall): TextBlock[] {
  const { state, payload } = source;
  const failed = source.failures.get(span.spanId);
  if (failed !== undefined && failed.kind !== 'unfinished' && failed.reason !== null) {
    return [{ text: withoutOutputHeader(failed.reason), tone: toneOf(failed), lines: 8 }];
  }
  const seen = call.model_visible_output_item_ids.flatMap((id) => state.conversation_items[id] ?? []);
  const operation =
    call.terminal_operation_id === null ? undefined : state.terminal_operations[call.terminal_operation_id];
  let text = seen.map(itemText).join('\n');
  // The last input of a terminal has its output in the result, with a header like that for the model.
  if (text === '') text = operation?.result?.stdout ?? '';
  if (text === '') text = readToolResult(payload(call.raw_result_payload_id))?.text ?? '';
  text = withoutOutputHeader(text);
  // The error of a cell that failed is told with the cell.
  for (const { spanId } of span.links) {
    const reason = source.failures.get(spanId)?.reason;
    if (reason != null) text = text.replace(`Script error:\n${reason}`, '').replace(reason, '');
  }
  const nested = call.requester.type === 'code_cell';
  return text.trim() === '' ? [] : [{ text, tone: 'dim', lines: nested ? 2 : 6 }];
}

/** What a call sent to other agents. */
function interactionNodes(source: TreeSource, span: TimelineSpan): TreeNode[] {
  const { timeline } = source;
  return (source.sent.get(span.spanId) ?? [])
    .filter((interaction) => interaction.targetSpanId !== null)
    .map((interaction) => {
      const target = timeline.byId.get(interaction.targetSpanId!)!;
      const thread = timeline.byId.get(`thread:${target.threadId}`);
      const text = `→ ${interaction.kind.replaceAll('_', ' ')}: ${oneLine(thread?.label ?? target.threadId)}`;
      return textNode(offsetOf(source, interaction.startedAtMs), [
        { text, tone: 'cyan' },
        { text: `  ${nameOf(source, target.threadId)}`, tone: 'dim' },
      ]);
    });
}

function terminalNode(source: TreeSource, span: TimelineSpan): TreeNode {
  const users = span.links
    .map(({ spanId }) => nameOf(source, source.timeline.byId.get(spanId)!.id))
    .join(', ');
  const node = plainNode(source, span, span.detail);
  node.blocks = users === '' ? [] : [{ text: `used by ${users}`, tone: 'dim', lines: 1 }];
  return node;
}

/** Mark, label, how it ended, how long it took, and one line of detail. */
export function plainNode(source: TreeSource, span: TimelineSpan, detail: string | null): TreeNode {
  const failure = source.failures.get(span.spanId);
  const head: Segment[] = [
    ...mark(source, span),
    {
      text: `${oneLine(span.label)} `,
      tone: span.kind === 'tool_call' || span.kind === 'wait' ? 'cyan' : 'bold',
    },
    ...(span.kind === 'compaction' ? [] : [{ text: `${nameOf(source, span.id)} `, tone: 'dim' as Tone }]),
    ...endOf(span),
    ...(detail === null || detail.trim() === ''
      ? []
      : [{ text: `  ${oneLine(detail)}`, tone: 'plain' as Tone }]),
  ];
  const blocks: TextBlock[] = [];
  const told = span.kind === 'tool_call' || span.kind === 'wait' ? failure?.kind === 'unfinished' : true;
  if (failure !== undefined && failure.reason !== null && told) {
    blocks.push({ text: failure.reason, tone: toneOf(failure), lines: 8 });
  } else if (failure === undefined && span.outcome === 'failed' && span.kind === 'turn') {
    const { reason } = reasonOf(source.state, span, source.payload);
    if (reason !== null) blocks.push({ text: reason, tone: 'red', lines: 4 });
  }
  return { offsetMs: offsetOf(source, span.startedAtMs), head, blocks, children: [] };
}

export function toneOf({ kind }: Pick<TraceFailure, 'kind'>): Tone {
  return kind === 'failed' ? 'red' : 'yellow';
}

/** What stands before everything that did not go well. */
export function mark({ failures }: TreeSource, span: TimelineSpan): Segment[] {
  if (span.outcome === 'failed') return [{ text: '✗ ', tone: 'red' }];
  if (span.outcome === 'stopped') return [{ text: '■ ', tone: 'yellow' }];
  if (failures.has(span.spanId)) return [{ text: '? ', tone: 'yellow' }];
  return [];
}

/** How it ended (unless well), how long it took, and the exit code of a command that failed. */
function endOf({ outcome, status, durationMs, exitCode }: TimelineSpan): Segment[] {
  const parts: Segment[] = [];
  if (outcome === 'failed') parts.push({ text: status, tone: 'red' });
  else if (outcome === 'stopped') parts.push({ text: status, tone: 'yellow' });
  else if (outcome === 'unfinished') parts.push({ text: notEnded(status), tone: 'yellow' });
  if (exitCode !== null && exitCode !== 0) parts.push({ text: `exit ${exitCode}`, tone: 'red' });
  if (durationMs !== null) parts.push({ text: duration(durationMs), tone: 'green' });
  return parts.flatMap((part, index) => (index === 0 ? [part] : [{ text: ' ', tone: 'plain' }, part]));
}

export function notEnded(status: TimelineSpan['status']): string {
  return status === 'yielded' ? 'not ended (yielded)' : 'not ended';
}

export function nameOf({ shortIds, full }: TreeSource, id: string): string {
  return harmless(full ? id : (shortIds.get(id) ?? id));
}

export function offsetOf({ timeline }: TreeSource, atMs: number): number {
  return atMs - timeline.startedAtMs;
}

function childrenOf(
  source: TreeSource,
  span: TimelineSpan,
  wanted: (child: TimelineSpan) => boolean,
): Placed[] {
  return span.childSpanIds
    .map((id) => source.timeline.byId.get(id)!)
    .filter(wanted)
    .map((child) => ({ seq: child.startedSeq, node: spanNode(source, child) }));
}

function inOrder(placed: Placed[]): TreeNode[] {
  return placed.sort((a, b) => a.seq - b.seq).map(({ node }) => node);
}

export function textNode(offsetMs: number | null, head: Segment[], blocks: TextBlock[] = []): TreeNode {
  return { offsetMs, head, blocks, children: [] };
}

function itemPlaced(source: TreeSource, item: ConversationItem): Placed {
  const atMs = item.accepted_at_unix_ms ?? item.first_seen_at_unix_ms;
  return {
    seq: itemSeq(source.state, item) ?? source.items.seqOf.get(item.item_id) ?? 0,
    node: itemNode(item, offsetOf(source, atMs)),
  };
}

function itemNode(item: ConversationItem, offsetMs: number): TreeNode {
  const text = itemText(item);
  const isCall = item.kind === 'function_call' || item.kind === 'custom_tool_call';
  const isLost = isCall && item.call_id !== null;
  const title = isLost
    ? `? asked for ${harmless(item.call_id ?? '')}, of which no tool call was recorded`
    : titleOf(item);
  const tone: Tone = isLost ? 'yellow' : item.role === 'user' || item.role === 'assistant' ? 'bold' : 'dim';
  const body: Tone = item.kind === 'reasoning' || item.role === 'developer' ? 'dim' : 'plain';
  const lines = item.kind === 'reasoning' ? 2 : 4;
  return titledNode(offsetMs, title, tone, { text: withoutAgentHeader(text), tone: body, lines });
}

/** A title and a text: beside it when it is short, else below. */
export function titledNode(offsetMs: number | null, title: string, tone: Tone, block: TextBlock): TreeNode {
  const text = block.text.trim();
  if (text === '') return textNode(offsetMs, [{ text: title, tone }]);
  if (text.length > 160 || text.includes('\n'))
    return textNode(offsetMs, [{ text: `${title}:`, tone }], [block]);
  return textNode(offsetMs, [
    { text: `${title}: `, tone },
    { text: oneLine(text), tone: block.tone },
  ]);
}

function titleOf(item: ConversationItem): string {
  if (item.agent_message !== undefined) return `from ${harmless(item.agent_message.author)}`;
  if (item.kind === 'reasoning') return 'reasoning';
  if (item.kind === 'function_call' || item.kind === 'custom_tool_call')
    return "call of the provider's own tool";
  if (item.role === 'tool') return `output for ${harmless(item.call_id ?? 'a call')}`;
  return item.role;
}

export interface ItemPlaces {
  ofInference: ReadonlyMap<string, ConversationItem[]>;
  ofTurn: ReadonlyMap<string, ConversationItem[]>;
  ofThread: ReadonlyMap<string, ConversationItem[]>;
  /** By turn: items that the trace has the text of but not the making. */
  earlier: ReadonlyMap<string, number>;
  /** By turn: what the host told its user. */
  warnings: ReadonlyMap<string, { seq: number; atMs: number; type: string; message: string }[]>;
  /** When the items that were never accepted were first part of a request. */
  seqOf: ReadonlyMap<string, number>;
}
