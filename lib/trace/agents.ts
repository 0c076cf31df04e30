import { TraceProblem } from './errors.js';
import type { EventOfType } from './events.js';
import {
  addUnique,
  pairKey,
  type ItemRecord,
  type PendingEdge,
  type ThreadRecord,
  type TraceGraph,
} from './graph.js';
import { isObject, type JsonObject, type PayloadText } from './json-text.js';
import type {
  ConversationItem,
  InteractionEdge,
  InteractionKind,
  ToolCall,
  ToolKind,
  TraceAnchor,
} from './state.js';

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** `/root` and names below it, none of them `root`; or the one other root. */
const agentPathPattern = /^\/(?:morpheus|root(?:\/(?!root(?:\/|$))[a-z0-9_]+)*)$/;

/** Calls to other agents carry the message that their activity is later matched by. */
export function rememberAgentArguments(graph: TraceGraph, tool: ToolCall, invocation: unknown): void {
  const { type } = tool.kind;
  if (type !== 'spawn_agent' && type !== 'assign_agent_task' && type !== 'send_message') return;
  const payload = isObject(invocation) ? invocation['payload'] : undefined;
  const text = isObject(payload) ? payload['arguments'] : undefined;
  graph.agentArguments.set(tool.tool_call_id, { arguments: typeof text === 'string' ? text : undefined });
}

function messageOf(graph: TraceGraph, tool: ToolCall): string {
  const fail = (reason: string): never => {
    throw new TraceProblem('PAYLOAD', `the agent call ${tool.tool_call_id} ${reason}`);
  };
  const known = graph.agentArguments.get(tool.tool_call_id);
  if (known === undefined) return fail('has no invocation payload');
  if (known.arguments === undefined) return fail('has no arguments');
  let parsed: unknown;
  try {
    parsed = JSON.parse(known.arguments);
  } catch {
    return fail('has arguments that are not JSON');
  }
  const message = isObject(parsed) ? parsed['message'] : undefined;
  return typeof message === 'string' ? message : fail('has no message');
}

/** Reads members of a runtime observation; what is missing or wrong is a problem with the payload. */
class Observation {
  constructor(
    readonly value: JsonObject,
    readonly payloadId: string,
  ) {}

  text(name: string): string {
    const member = this.value[name];
    return typeof member === 'string' ? member : this.fail(`has no ${name}`);
  }

  threadId(name: string): string {
    const id = this.text(name);
    return uuidPattern.test(id) ? id.toLowerCase() : this.fail(`has a ${name} that is no thread id`);
  }

  /** A member that may be left out. */
  optionalText(name: string): void {
    const member = this.value[name] ?? null;
    if (member !== null && typeof member !== 'string') this.fail(`has a ${name} that is no string`);
  }

  time(name: string): void {
    const member = this.value[name];
    if (member !== undefined && !Number.isInteger(member)) this.fail(`has a ${name} that is no time`);
  }

  /** One of some names; also written as an object with the name as its only member. */
  name(member: string, names: readonly string[]): string {
    const value = this.value[member];
    const name = isObject(value) ? soleMember(value) : undefined;
    const found = name === undefined ? value : name[1] === null ? name[0] : undefined;
    return typeof found === 'string' && names.includes(found) ? found : this.fail(`has no known ${member}`);
  }

  status(): void {
    const status = this.value['status'];
    const sole = isObject(status) ? soleMember(status) : undefined;
    if (sole?.[0] === 'completed' && (sole[1] === null || typeof sole[1] === 'string')) return;
    if (sole?.[0] === 'errored' && typeof sole[1] === 'string') return;
    this.name('status', ['pending_init', 'running', 'interrupted', 'shutdown', 'not_found']);
  }

  fail(reason: string): never {
    throw new TraceProblem('PAYLOAD', `the agent payload ${this.payloadId} ${reason}`);
  }
}

function soleMember(value: JsonObject): [string, unknown] | undefined {
  const members = Object.entries(value);
  return members.length === 1 ? members[0] : undefined;
}

/** The begin or end of an interaction between agents. */
export function agentActivity(
  graph: TraceGraph,
  tool: ToolCall,
  kind: ToolKind,
  observed: PayloadText,
  payloadId: string,
  phase: 'started' | 'ended',
): void {
  if (phase === 'ended') {
    const { value } = observed;
    if (isObject(value) && 'agent_thread_id' in value) {
      subAgentActivity(graph, tool, new Observation(value, payloadId));
      return;
    }
  }
  const { type } = kind;
  if (type === 'spawn_agent' && phase === 'started') return;
  if (
    type !== 'spawn_agent' &&
    type !== 'assign_agent_task' &&
    type !== 'send_message' &&
    type !== 'close_agent'
  )
    return;
  const { value } = observed;
  if (!isObject(value)) throw new TraceProblem('PAYLOAD', `the agent payload ${payloadId} is not an object`);
  const observation = new Observation(value, payloadId);
  observation.text('call_id');
  observation.threadId('sender_thread_id');
  observation.time(phase === 'ended' ? 'completed_at_ms' : 'started_at_ms');
  const endedAt = phase === 'ended' ? graph.location.time : null;
  if (type === 'spawn_agent') {
    const child = (value['new_thread_id'] ?? null) === null ? null : observation.threadId('new_thread_id');
    const prompt = observation.text('prompt');
    for (const name of ['model', 'reasoning_effort']) observation.text(name);
    for (const name of ['new_agent_nickname', 'new_agent_role']) observation.optionalText(name);
    observation.status();
    if (child !== null) queueToolEdge(graph, tool, type, child, prompt, endedAt);
    return;
  }
  const receiver = observation.threadId('receiver_thread_id');
  const prompt = type === 'close_agent' ? '' : observation.text('prompt');
  if (phase === 'ended') {
    for (const name of ['receiver_agent_nickname', 'receiver_agent_role']) observation.optionalText(name);
    observation.status();
  }
  if (type === 'close_agent') closeEdge(graph, tool, receiver, endedAt);
  else queueToolEdge(graph, tool, type, receiver, prompt, endedAt);
}

const activityOfKind: Record<string, string> = {
  spawn_agent: 'started',
  assign_agent_task: 'interacted',
  send_message: 'interacted',
  close_agent: 'interrupted',
};

function subAgentActivity(graph: TraceGraph, tool: ToolCall, observation: Observation): void {
  observation.text('event_id');
  const target = observation.threadId('agent_thread_id');
  if (!agentPathPattern.test(observation.text('agent_path')))
    observation.fail('has an agent_path that is none');
  observation.time('occurred_at_ms');
  for (const name of ['model', 'reasoning_effort']) observation.optionalText(name);
  const activity = observation.name('kind', ['started', 'interacted', 'interrupted', 'completed']);
  if (activity === 'completed') return;
  const { type } = tool.kind;
  if (activityOfKind[type] !== activity) {
    throw new TraceProblem(
      'ACTIVITY_KIND',
      `the activity "${activity}" does not fit the ${type} call ${tool.tool_call_id}`,
    );
  }
  if (type === 'close_agent') closeEdge(graph, tool, target, graph.location.time);
  else
    queueToolEdge(graph, tool, type as InteractionKind, target, messageOf(graph, tool), graph.location.time);
}

function carriedPayloads(tool: ToolCall): string[] {
  const ids: string[] = [];
  if (tool.raw_invocation_payload_id !== null) ids.push(tool.raw_invocation_payload_id);
  for (const id of tool.raw_runtime_payload_ids) addUnique(ids, id);
  if (tool.raw_result_payload_id !== null) addUnique(ids, tool.raw_result_payload_id);
  return ids;
}

function ownEdge(graph: TraceGraph, tool: ToolCall, edgeId: string): void {
  const own = graph.edgeOfTool.get(tool.tool_call_id);
  if (own === undefined) graph.edgeOfTool.set(tool.tool_call_id, new Set([edgeId]));
  else own.add(edgeId);
}

function closeEdge(graph: TraceGraph, tool: ToolCall, target: string, endedAt: number | null): void {
  if (!graph.threads.has(target)) return;
  const edgeId = `edge:tool:${tool.tool_call_id}`;
  ownEdge(graph, tool, edgeId);
  putEdge(graph, {
    edge_id: edgeId,
    kind: 'close_agent',
    source: { type: 'tool_call', tool_call_id: tool.tool_call_id },
    target: { type: 'thread', thread_id: target },
    started_at_unix_ms: tool.execution.started_at_unix_ms,
    ended_at_unix_ms: endedAt,
    carried_item_ids: [],
    carried_raw_payload_ids: carriedPayloads(tool),
  });
}

function queueToolEdge(
  graph: TraceGraph,
  tool: ToolCall,
  kind: InteractionKind,
  target: string,
  content: string,
  endedAt: number | null,
): void {
  const edgeId =
    kind === 'spawn_agent' ? `edge:spawn:${tool.thread_id}:${target}` : `edge:tool:${tool.tool_call_id}`;
  ownEdge(graph, tool, edgeId);
  queueEdge(graph, {
    edge: {
      edge_id: edgeId,
      kind,
      source: { type: 'tool_call', tool_call_id: tool.tool_call_id },
      started_at_unix_ms: tool.execution.started_at_unix_ms,
      ended_at_unix_ms: endedAt,
      carried_raw_payload_ids: carriedPayloads(tool),
    },
    targetThreadId: target,
    authorThreadId: tool.thread_id,
    content,
  });
}

function sameAnchor(left: TraceAnchor, right: TraceAnchor): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

type Mergeable = Pick<InteractionEdge, 'started_at_unix_ms' | 'ended_at_unix_ms' | 'carried_raw_payload_ids'>;

function merge(known: Mergeable, again: Mergeable): void {
  known.started_at_unix_ms = Math.min(known.started_at_unix_ms, again.started_at_unix_ms);
  if (again.ended_at_unix_ms !== null) {
    known.ended_at_unix_ms = Math.max(
      known.ended_at_unix_ms ?? again.ended_at_unix_ms,
      again.ended_at_unix_ms,
    );
  }
  for (const id of again.carried_raw_payload_ids) addUnique(known.carried_raw_payload_ids, id);
}

function putEdge(graph: TraceGraph, edge: InteractionEdge): void {
  const known = graph.edges.get(edge.edge_id);
  if (known === undefined) {
    graph.edges.set(edge.edge_id, edge);
    return;
  }
  if (
    known.kind !== edge.kind ||
    !sameAnchor(known.source, edge.source) ||
    !sameAnchor(known.target, edge.target)
  ) {
    graph.problem('EDGE_CONFLICT', `the interaction ${edge.edge_id} was observed between other ends before`);
    return;
  }
  merge(known, edge);
  for (const id of edge.carried_item_ids) addUnique(known.carried_item_ids, id);
}

function queueEdge(graph: TraceGraph, pending: PendingEdge): void {
  const id = pending.edge.edge_id;
  const known = graph.pendingEdges.get(id);
  let current = pending;
  if (known !== undefined) {
    if (
      known.edge.kind !== pending.edge.kind ||
      !sameAnchor(known.edge.source, pending.edge.source) ||
      known.targetThreadId !== pending.targetThreadId ||
      known.content !== pending.content
    ) {
      graph.problem(
        'EDGE_CONFLICT',
        `the interaction ${id} was observed with another content or target before`,
      );
      return;
    }
    merge(known.edge, pending.edge);
    current = known;
  }
  const author = graph.threads.get(pending.authorThreadId)?.thread.agent_path ?? '';
  const inbound = graph.threads
    .get(pending.targetThreadId)
    ?.inboundMessages.get(pairKey(author, pending.content));
  const item = inbound?.find((record) => !graph.targetedItems.has(record.item.item_id));
  if (item !== undefined) {
    resolveEdge(graph, current, item);
    return;
  }
  graph.pendingEdges.set(id, current);
  let waiting = graph.pendingEdgesByThread.get(pending.targetThreadId);
  if (waiting === undefined) graph.pendingEdgesByThread.set(pending.targetThreadId, (waiting = new Set()));
  waiting.add(id);
}

function resolveEdge(graph: TraceGraph, pending: PendingEdge, record: ItemRecord): void {
  const itemId = record.item.item_id;
  graph.pendingEdges.delete(pending.edge.edge_id);
  graph.pendingEdgesByThread.get(pending.targetThreadId)?.delete(pending.edge.edge_id);
  graph.targetedItems.add(itemId);
  putEdge(graph, targetedEdge(pending, { type: 'conversation_item', item_id: itemId }, [itemId]));
}

/** A pending edge with its far end, members in the order of the format. */
export function targetedEdge(
  pending: PendingEdge,
  target: TraceAnchor,
  carriedItems: string[],
): InteractionEdge {
  const { edge } = pending;
  return {
    edge_id: edge.edge_id,
    kind: edge.kind,
    source: edge.source,
    target,
    started_at_unix_ms: edge.started_at_unix_ms,
    ended_at_unix_ms: edge.ended_at_unix_ms,
    carried_item_ids: carriedItems,
    carried_raw_payload_ids: edge.carried_raw_payload_ids,
  };
}

interface Delivery {
  author: string;
  recipient: string;
  content: string;
}

/** What an item delivers from one agent to another, if it does. */
function readDelivery(item: ConversationItem): Delivery | undefined {
  if (item.kind !== 'message' || item.role !== 'assistant') return undefined;
  const { parts } = item.body;
  const last = parts.at(-1);
  if (last === undefined || parts.length > 2) return undefined;
  if (item.agent_message !== undefined) {
    if (parts.length === 2 && !(parts[0]!.type === 'text' && last.type === 'encoded')) return undefined;
    if (last.type === 'text') return { ...item.agent_message, content: last.text };
    return last.type === 'encoded' ? { ...item.agent_message, content: last.value } : undefined;
  }
  if (parts.length !== 1 || last.type !== 'text' || !last.text.includes('"recipient"')) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(last.text);
  } catch {
    return undefined;
  }
  if (!isObject(parsed)) return undefined;
  const { author, recipient, content, other_recipients: others, trigger_turn: trigger } = parsed;
  const encrypted = parsed['encrypted_content'] ?? null;
  if (typeof author !== 'string' || typeof recipient !== 'string' || typeof content !== 'string')
    return undefined;
  if (!Array.isArray(others) || typeof trigger !== 'boolean') return undefined;
  return { author, recipient, content: typeof encrypted === 'string' ? encrypted : content };
}

/** A sighting of a message from another agent may be the far end that an interaction waits for. */
export function deliverMessage(graph: TraceGraph, thread: ThreadRecord, record: ItemRecord): void {
  const { item } = record;
  if (item.kind !== 'message' || item.role !== 'assistant' || graph.targetedItems.has(item.item_id)) return;
  const delivery = readDelivery(item);
  if (delivery === undefined) {
    rememberLatest(graph, record);
    return;
  }
  if (delivery.recipient !== thread.thread.agent_path) return;
  const key = pairKey(delivery.author, delivery.content);
  const inbound = thread.inboundMessages.get(key);
  if (inbound === undefined) thread.inboundMessages.set(key, [record]);
  else if (!inbound.includes(record)) inbound.push(record);
  for (const id of graph.pendingEdgesByThread.get(thread.thread.thread_id) ?? []) {
    const pending = graph.pendingEdges.get(id);
    if (pending?.content !== delivery.content) continue;
    if (graph.threads.get(pending.authorThreadId)?.thread.agent_path !== delivery.author) continue;
    resolveEdge(graph, pending, record);
    return;
  }
}

/** Of messages first seen in the same millisecond the one with the greater id text counts as later. */
function rememberLatest(graph: TraceGraph, record: ItemRecord): void {
  const { item } = record;
  if (item.codex_turn_id === null) return;
  const key = pairKey(item.thread_id, item.codex_turn_id);
  const known = graph.latestMessage.get(key)?.item;
  const isLater =
    known === undefined ||
    item.first_seen_at_unix_ms > known.first_seen_at_unix_ms ||
    (item.first_seen_at_unix_ms === known.first_seen_at_unix_ms && item.item_id > known.item_id);
  if (isLater) graph.latestMessage.set(key, record);
}

export function agentResult(graph: TraceGraph, payload: EventOfType<'agent_result_observed'>): void {
  graph.thread(payload.child_thread_id, 'the result of an agent');
  const message = graph.latestMessage.get(pairKey(payload.child_thread_id, payload.child_codex_turn_id));
  queueEdge(graph, {
    edge: {
      edge_id: payload.edge_id,
      kind: 'agent_result',
      source:
        message === undefined
          ? { type: 'thread', thread_id: payload.child_thread_id }
          : { type: 'conversation_item', item_id: message.item.item_id },
      started_at_unix_ms: graph.location.time,
      ended_at_unix_ms: graph.location.time,
      carried_raw_payload_ids:
        payload.carried_payload === null ? [] : [payload.carried_payload.raw_payload_id],
    },
    targetThreadId: payload.parent_thread_id,
    authorThreadId: payload.child_thread_id,
    content: payload.message,
  });
}

/** The result of a call belongs to the interaction that the call caused. */
export function addResultToEdges(graph: TraceGraph, tool: ToolCall, payloadId: string): void {
  for (const id of graph.edgeOfTool.get(tool.tool_call_id) ?? []) {
    const edge = graph.edges.get(id);
    if (edge !== undefined) addUnique(edge.carried_raw_payload_ids, payloadId);
    const pending = graph.pendingEdges.get(id);
    if (pending !== undefined) addUnique(pending.edge.carried_raw_payload_ids, payloadId);
  }
}
