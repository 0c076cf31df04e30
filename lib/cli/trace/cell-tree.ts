import {
  itemText,
  readCellResponse,
  withoutExecHeader,
  type TimelineSpan,
} from '../../trace/analysis/index.js';
import type { CodeCell } from '../../trace/state.js';
import { duration, type Segment } from '../terminal-text.js';
import { offsetOf, textNode, titledNode, toneOf, type TreeSource } from './session-tree.js';
import type { TextBlock, TreeNode } from './tree.js';

interface Placed {
  seq: number;
  node: TreeNode;
}

/** What a cell consists of: its source, nested calls, yields, notifications, output and error. */
export function cellNodes(
  source: TreeSource,
  span: TimelineSpan,
  toolNode: (source: TreeSource, span: TimelineSpan) => TreeNode,
): TreeNode[] {
  const { state, timeline } = source;
  const cell = state.code_cells[span.id];
  if (cell === undefined) return [];
  const failure = source.failures.get(span.spanId);
  const errorLine = failure?.reason == null ? undefined : sourceLineOf(failure.reason);
  const placed: Placed[] = span.childSpanIds
    .map((id) => timeline.byId.get(id)!)
    .map((child) => ({ seq: child.startedSeq, node: toolNode(source, child) }));
  if (cell.yielded_seq !== null && cell.yielded_at_unix_ms !== null) {
    const after = duration(Math.max(0, cell.yielded_at_unix_ms - span.startedAtMs));
    const head: Segment[] = [{ text: `yielded after ${after}`, tone: 'dim' }];
    placed.push({
      seq: cell.yielded_seq,
      node: textNode(offsetOf(source, cell.yielded_at_unix_ms), head, firstOutput(source, cell)),
    });
  }
  for (const itemId of notificationsOf(source, cell)) {
    const item = state.conversation_items[itemId];
    if (item === undefined) continue;
    const at = item.accepted_at_unix_ms ?? item.first_seen_at_unix_ms;
    placed.push({
      seq: item.accepted_seq ?? Infinity,
      node: titledNode(offsetOf(source, at), 'notify', 'bold', {
        text: itemText(item),
        tone: 'plain',
        lines: 3,
      }),
    });
  }
  const sourceBlock: TextBlock = {
    text: cell.source_js,
    tone: 'plain',
    lines: 12,
    numbered: true,
    ...(errorLine === undefined ? {} : { marked: errorLine }),
  };
  const nodes = [
    textNode(null, [{ text: 'source', tone: 'dim' }], [sourceBlock]),
    ...placed.sort((a, b) => a.seq - b.seq).map(({ node }) => node),
  ];
  const output = cell.yielded_seq === null ? firstOutput(source, cell, failure?.reason ?? null) : [];
  if (output.length > 0) nodes.push(textNode(null, [{ text: 'output', tone: 'dim' }], output));
  if (failure !== undefined && failure.kind !== 'unfinished' && failure.reason !== null) {
    const head: Segment[] = [
      { text: failure.kind === 'failed' ? 'error' : span.status, tone: toneOf(failure) },
    ];
    const block: TextBlock = { text: failure.reason, tone: toneOf(failure), lines: 8 };
    const endedAt = span.endedAtMs === null ? null : offsetOf(source, span.endedAtMs);
    nodes.push(textNode(endedAt, head, [block]));
  }
  return nodes;
}

/** All outputs of the `exec` call but the one that answers it. */
function notificationsOf({ state }: TreeSource, cell: CodeCell): string[] {
  const known = state.extensions?.cell_notifications[cell.code_cell_id];
  return known ?? cell.output_item_ids.slice(1);
}

/** What the `exec` call gave back: all the output of a cell that did not yield. */
function firstOutput(
  { state, payload }: TreeSource,
  cell: CodeCell,
  error: string | null = null,
): TextBlock[] {
  const [itemId] = cell.output_item_ids;
  const item = itemId === undefined ? undefined : state.conversation_items[itemId];
  let text: string;
  if (item === undefined) {
    text = readCellResponse(payload(cell.raw_initial_response_payload_id))?.items.join('\n') ?? '';
  } else {
    text = withoutExecHeader(itemText(item));
  }
  // The error has a place of its own.
  if (error !== null) text = text.replace(`Script error:\n${error}`, '');
  return text.trim() === '' ? [] : [{ text, tone: 'plain', lines: 8 }];
}

/** The first line of the script that a stack names. */
function sourceLineOf(reason: string): number | undefined {
  const line = /exec_main\.mjs:(\d+)/.exec(reason)?.[1];
  return line === undefined ? undefined : Number(line);
}
