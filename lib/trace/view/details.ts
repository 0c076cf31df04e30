import { reasonOf } from '../analysis/failures.js';
import type { Timeline, TimelineSpan } from '../analysis/index.js';
import type { PayloadLookup } from '../payload-files.js';
import type { ConversationItem, ConversationPart, TokenUsage, TraceState } from '../state.js';
import type { CauseFinder } from './causes.js';
import type { ViewBlock, ViewDetail, ViewFact, ViewItem, ViewPart } from './document.js';
import {
  cut,
  errorLines,
  readCellAnswer,
  readInvocation,
  readResult,
  textPart,
  valuePart,
} from './payload-text.js';
import type { BuiltRow, RowTable } from './row-builder.js';

/** What the details are written from. */
export interface DetailSources {
  state: TraceState;
  timeline: Timeline;
  table: RowTable;
  finder: CauseFinder;
  payload: PayloadLookup;
  /** Characters after which a text is cut. */
  textLimit: number;
}

/** Writes the details of rows: source, arguments, results, conversation, ids. */
export class DetailWriter {
  /** The conversation items that the details refer to by index. */
  readonly items: ViewItem[] = [];
  readonly #sources: DetailSources;
  readonly #state: TraceState;
  readonly #limit: number;
  readonly #itemIndex = new Map<string, number>();

  constructor(sources: DetailSources) {
    this.#sources = sources;
    this.#state = sources.state;
    this.#limit = sources.textLimit;
  }

  write({ subject, seqs }: BuiltRow): ViewDetail {
    const { blocks, facts } = this.#describe(subject);
    const { first, last } = seqs;
    const events = last === null ? `from ${first}` : first === last ? String(first) : `${first} to ${last}`;
    return {
      blocks,
      facts: [...facts, fact('events', first === 0 ? '' : events)].filter(({ text }) => text !== ''),
    };
  }

  #describe(subject: BuiltRow['subject']): ViewDetail {
    if (subject.type === 'item') return this.#message(subject.item);
    if (subject.type === 'cell') return this.#cell(subject.id, subject.span, subject.exec);
    const { span } = subject;
    const { id } = span;
    switch (span.kind) {
      case 'thread':
        return this.#thread(id, span);
      case 'turn':
        return this.#turn(id, span);
      case 'inference':
        return this.#inference(id, span);
      case 'tool_call':
      case 'wait':
        return this.#tool(id, span);
      case 'code_cell':
        return this.#cell(id, span, undefined);
      case 'terminal': {
        const operations = this.#state.terminal_sessions[id]?.operation_ids.length ?? 0;
        return { blocks: [], facts: [idFact('terminal', id), fact('operations', String(operations))] };
      }
      case 'compaction':
        return this.#compaction(id);
      case 'compaction_request': {
        const request = this.#state.compaction_requests[id];
        return {
          blocks: this.#reason(span),
          facts: [
            fact('model', request && `${request.model} (${request.provider_name})`),
            idFact('request', id),
            idFact('compaction', request?.compaction_id),
          ],
        };
      }
    }
  }

  /** Why a span failed or was stopped, where the trace tells. */
  #reason(span: TimelineSpan): ViewBlock[] {
    if (span.outcome !== 'failed' && span.outcome !== 'stopped') return [];
    const { reason } = reasonOf(this.#state, span, this.#sources.payload);
    return reason === null ? [] : [{ type: 'error', title: 'Reason', text: cut(reason, this.#limit) }];
  }

  #thread(id: string, span: TimelineSpan): ViewDetail {
    const thread = this.#state.threads[id];
    const origin = thread?.origin.type === 'spawned' ? thread.origin : undefined;
    return {
      blocks: [
        ...this.#reason(span),
        ...this.#conversation('Conversation', thread?.conversation_item_ids ?? []),
      ],
      facts: [
        fact('agent', thread?.agent_path),
        fact('nickname', thread?.nickname),
        fact('model', thread?.default_model),
        fact('task', origin?.task_name),
        fact('role', origin?.agent_role),
        idFact('thread', id),
        idFact('spawned by', origin?.parent_thread_id),
      ],
    };
  }

  #turn(id: string, span: TimelineSpan): ViewDetail {
    const calls = Object.values(this.#state.inference_calls).filter((call) => call.codex_turn_id === id);
    return {
      blocks: this.#reason(span),
      facts: [
        fact('inference calls', String(calls.length)),
        ...usageFacts(sumUsage(calls.flatMap((call) => call.usage ?? []))),
        idFact('turn', id),
      ],
    };
  }

  #message(item: ConversationItem): ViewDetail {
    return {
      blocks: [{ type: 'output', title: 'Text', parts: this.#parts(item) }],
      facts: [idFact('item', item.item_id), idFact('at the provider', item.responses_item_id)],
    };
  }

  #inference(id: string, span: TimelineSpan): ViewDetail {
    const call = this.#state.inference_calls[id];
    const fresh = this.#sources.finder.newItems(id);
    const before = (call?.request_item_ids.length ?? 0) - fresh.length;
    const known = before === 0 ? '' : `After ${before} ${before === 1 ? 'item' : 'items'} already known.`;
    return {
      blocks: [
        ...this.#reason(span),
        ...this.#conversation('Response', call?.response_item_ids ?? []),
        ...this.#conversation('New in the request', fresh, known),
      ],
      facts: [
        fact('model', call && `${call.model} (${call.provider_name})`),
        ...usageFacts(call?.usage ?? undefined),
        idFact('inference', id),
        idFact('response', call?.response_id),
        idFact('at the provider', call?.upstream_request_id),
      ],
    };
  }

  #cell(id: string, span: TimelineSpan | undefined, exec: TimelineSpan | undefined): ViewDetail {
    const cell = this.#state.code_cells[id];
    if (cell === undefined) return { blocks: [], facts: [idFact('cell', id), idFact('call', exec?.id)] };
    const { payload } = this.#sources;
    const answer = (payloadId: string | null) => {
      const value = payload(payloadId);
      return value === undefined ? undefined : readCellAnswer(value, this.#limit);
    };
    const first = answer(cell.raw_initial_response_payload_id);
    const last = answer(cell.raw_result_payload_id);
    const blocks: ViewBlock[] = span === undefined ? [] : this.#reason(span);
    const error = last?.error ?? first?.error;
    const source = cut(cell.source_js, this.#limit);
    blocks.push({ type: 'code', title: 'Source', text: source, errorLines: errorLines(error) });
    const output = (title: string, parts: ViewPart[] | undefined) => {
      // The error stands above.
      const rest = parts?.filter((part) => part.type !== 'error');
      if (rest !== undefined) blocks.push({ type: 'output', title, parts: rest });
    };
    // A cell that never yielded tells its one answer twice.
    if (cell.yielded_seq !== null) {
      output('Output until it yielded', first?.parts);
      output('Output at the end', last?.parts);
    } else output('Output', (last ?? first)?.parts);
    const notifications = this.#state.extensions?.cell_notifications[id] ?? [];
    blocks.push(...this.#conversation('Notifications', notifications));
    const hostMs = last?.hostMs ?? first?.hostMs;
    return {
      blocks,
      facts: [
        fact('in the runtime', hostMs === undefined ? '' : `${hostMs.toFixed(1)} ms`),
        fact('nested calls', String(cell.nested_tool_call_ids.length)),
        idFact('cell', id),
        idFact('runtime id', cell.runtime_cell_id),
        idFact('call', exec?.id),
      ],
    };
  }

  #tool(id: string, span: TimelineSpan): ViewDetail {
    const tool = this.#state.tool_calls[id];
    if (tool === undefined) return { blocks: [], facts: [idFact('call', id)] };
    const { payload } = this.#sources;
    const input = payload(tool.raw_invocation_payload_id);
    const invocation = input === undefined ? undefined : readInvocation(input, this.#limit);
    const output = payload(tool.raw_result_payload_id);
    const result = output === undefined ? undefined : readResult(output, this.#limit);
    const operation = this.#state.terminal_operations[tool.terminal_operation_id ?? ''];
    const request = operation?.request;
    const blocks = this.#reason(span);
    if (result?.error !== undefined && blocks.length === 0) {
      blocks.push({ type: 'error', title: 'Error', text: cut(result.error, this.#limit) });
    }
    if (request?.type === 'exec_command') {
      blocks.push({ type: 'text', title: 'Command', text: span.detail ?? request.display_command });
    }
    if (invocation?.input !== undefined) blocks.push(partBlock('Arguments', invocation.input));
    if (result !== undefined && result.parts.length > 0) {
      blocks.push({ type: 'output', title: 'Result', parts: result.parts });
    }
    if (operation?.result != null) {
      const { stdout, stderr, formatted_output: formatted } = operation.result;
      const text = [stdout === '' ? (formatted ?? '') : stdout, stderr]
        .filter((each) => each !== '')
        .join('\n');
      if (text !== '') blocks.push({ type: 'text', title: 'Terminal', text: cut(text, this.#limit) });
    }
    for (const payloadId of tool.raw_runtime_payload_ids) {
      const value = payload(payloadId);
      if (value !== undefined) {
        blocks.push({ ...partBlock('Runtime event', valuePart(value, this.#limit)), closed: true });
      }
    }
    return {
      blocks,
      facts: [
        fact('tool', invocation?.name ?? span.label),
        fact('exit code', span.exitCode === null ? '' : String(span.exitCode)),
        fact('folder', request?.type === 'exec_command' ? request.cwd : ''),
        idFact('call', id),
        idFact('of the model', tool.model_visible_call_id === id ? null : tool.model_visible_call_id),
        idFact('runtime id', tool.code_mode_runtime_tool_id),
        idFact('MCP call', tool.mcp_call_id),
        idFact('terminal', operation?.terminal_id),
      ],
    };
  }

  #compaction(id: string): ViewDetail {
    const compaction = this.#state.compactions[id];
    return {
      blocks: this.#conversation('New history', compaction?.replacement_item_ids ?? []),
      facts: [
        fact('items before', String(compaction?.input_item_ids.length ?? '')),
        idFact('compaction', id),
      ],
    };
  }

  #conversation(title: string, ids: readonly string[], note = ''): ViewBlock[] {
    const items = ids.flatMap((id) => this.#item(id) ?? []);
    const heading = items.length > 1 ? `${title} (${items.length})` : title;
    return items.length === 0 ? [] : [{ type: 'items', title: heading, items, note }];
  }

  #item(id: string): number | undefined {
    const known = this.#itemIndex.get(id);
    if (known !== undefined) return known;
    const item = this.#state.conversation_items[id];
    if (item === undefined) return undefined;
    const row = this.#rowOf(item);
    const label = item.kind === 'message' ? item.role : item.kind.replaceAll('_', ' ');
    const index = this.items.length;
    this.items.push({
      id,
      label: item.channel === null ? label : `${label} · ${item.channel}`,
      role: item.role,
      parts: this.#parts(item),
      ...(row === undefined ? {} : { row }),
    });
    this.#itemIndex.set(id, index);
    return index;
  }

  /** A call leads to the call's row, everything else to its own or to what produced it. */
  #rowOf(item: ConversationItem): number | undefined {
    const { index } = this.#sources.table;
    if (item.call_id !== null && item.role === 'assistant') {
      const row = index.get(`tool_call:${item.call_id}`) ?? index.get(`wait:${item.call_id}`);
      if (row !== undefined) return row;
    }
    return this.#sources.finder.rowOfItem(item.item_id);
  }

  #parts(item: ConversationItem): ViewPart[] {
    return item.body.parts.map((part) => this.#part(part));
  }

  #part(part: ConversationPart): ViewPart {
    switch (part.type) {
      case 'text':
        return textPart(part.text, this.#limit);
      case 'summary':
        return { type: 'text', text: cut(part.text, this.#limit) };
      case 'code':
        return { type: 'code', text: cut(part.source, this.#limit) };
      case 'json':
        return textPart(part.summary, this.#limit);
      case 'encoded':
        return {
          type: 'text',
          text: `[${part.label}: ${part.value.length} characters that only the provider can read]`,
        };
      case 'payload_ref':
        return { type: 'text', text: `[${part.label} in ${part.raw_payload_id}]` };
    }
  }
}

function partBlock(title: string, part: ViewPart): ViewBlock {
  if (part.type === 'json' || part.type === 'text') return { type: part.type, title, text: part.text };
  return { type: 'output', title, parts: [part] };
}

function fact(name: string, text: string | null | undefined): ViewFact {
  return { name, text: text ?? '' };
}

function idFact(name: string, text: string | null | undefined): ViewFact {
  return { name, text: text ?? '', isId: true };
}

export function sumUsage(usages: readonly TokenUsage[]): TokenUsage | undefined {
  const [first, ...rest] = usages;
  if (first === undefined) return undefined;
  const total = { ...first };
  for (const usage of rest) {
    for (const name of Object.keys(total) as (keyof TokenUsage)[]) total[name] += usage[name];
  }
  return total;
}

export function usageFacts(usage: TokenUsage | undefined): ViewFact[] {
  if (usage === undefined) return [];
  const number = (value: number) => value.toLocaleString('en');
  const cached = usage.cached_input_tokens === 0 ? '' : `, ${number(usage.cached_input_tokens)} cached`;
  const reasoning =
    usage.reasoning_output_tokens === 0 ? '' : `, ${number(usage.reasoning_output_tokens)} reasoning`;
  return [
    fact('input tokens', `${number(usage.input_tokens)}${cached}`),
    fact('output tokens', `${number(usage.output_tokens)}${reasoning}`),
  ];
}
