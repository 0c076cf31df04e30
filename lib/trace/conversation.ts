import { linkItem } from './links.js';
import { contentKeys, type NormalizedItem } from './items.js';
import { deliverMessage } from './agents.js';
import { addProducer, type ItemRecord, type ThreadRecord, type TraceGraph } from './graph.js';
import type { ConversationItem, ConversationPart, ProducerReference } from './state.js';

/** Whether a known item and a sighting are the same: the provider's ids, where both have one, and the content. */
function isSame(record: ItemRecord, item: NormalizedItem): boolean {
  const known = record.item.responses_item_id;
  if (known !== undefined && item.providerId !== null && known !== item.providerId) return false;
  return record.keys.some((key) => item.keys.includes(key));
}

/** Entries of a baseline under one content key; each list is in the order of the baseline. */
interface KeyEntries {
  all: number[];
  withoutId: number[];
  byId: Map<string, number[]>;
}

/** The history that a list of items is compared with. Every item can be matched once. */
class Baseline {
  readonly #records: readonly ItemRecord[];
  readonly #used = new Set<ItemRecord>();
  /** Reversed lists, so that the first unused position is at the end. Built when first needed. */
  #index: Map<string, KeyEntries> | undefined;

  constructor(records: readonly ItemRecord[]) {
    this.#records = records;
  }

  take(position: number, item: NormalizedItem): ItemRecord | undefined {
    const record = this.#records[position];
    if (record !== undefined && !this.#used.has(record) && isSame(record, item)) {
      this.#used.add(record);
      return record;
    }
    return this.#takeFirst(item);
  }

  #takeFirst(item: NormalizedItem): ItemRecord | undefined {
    const index = (this.#index ??= this.#buildIndex());
    let best = -1;
    for (const key of item.keys) {
      const entries = index.get(key);
      if (entries === undefined) continue;
      const lists =
        item.providerId === null ? [entries.all] : [entries.withoutId, entries.byId.get(item.providerId)];
      for (const list of lists) {
        if (list === undefined) continue;
        while (list.length > 0 && this.#used.has(this.#records[list.at(-1)!]!)) list.pop();
        const position = list.at(-1);
        if (position !== undefined && (best < 0 || position < best)) best = position;
      }
    }
    if (best < 0) return undefined;
    const record = this.#records[best]!;
    this.#used.add(record);
    return record;
  }

  #buildIndex(): Map<string, KeyEntries> {
    const index = new Map<string, KeyEntries>();
    for (let position = this.#records.length - 1; position >= 0; position -= 1) {
      const record = this.#records[position]!;
      if (this.#used.has(record)) continue;
      for (const key of record.keys) {
        let entries = index.get(key);
        if (entries === undefined) index.set(key, (entries = { all: [], withoutId: [], byId: new Map() }));
        entries.all.push(position);
        const id = record.item.responses_item_id;
        if (id === undefined) entries.withoutId.push(position);
        else {
          const list = entries.byId.get(id);
          if (list === undefined) entries.byId.set(id, [position]);
          else list.push(position);
        }
      }
    }
    return index;
  }
}

/** What the model is known to have in front of it: the latest request and its response. */
export function currentHistory(thread: ThreadRecord): readonly string[] {
  const latest = thread.latestInference;
  return latest === undefined ? [] : [...latest.request_item_ids, ...latest.response_item_ids];
}

function recordsOf(graph: TraceGraph, ids: readonly string[]): ItemRecord[] {
  return ids.map((id) => graph.items.get(id)!);
}

/** Compares a complete list with the history: what is known keeps its id, the rest becomes new items. */
export function reconcileAll(
  graph: TraceGraph,
  thread: ThreadRecord,
  turnId: string | null,
  items: readonly NormalizedItem[],
  history: readonly string[],
): string[] {
  const baseline = new Baseline(recordsOf(graph, history));
  return items.map((item, position) => {
    const known = baseline.take(position, item) ?? takeUnseenAgentMessage(thread, item);
    if (known === undefined) return createItem(graph, thread, turnId, item, [], true).item.item_id;
    seeAgain(graph, thread, known, item, [], true);
    return known.item.item_id;
  });
}

/** Adds what a request sends on top of a known list. */
export function reconcileAppended(
  graph: TraceGraph,
  thread: ThreadRecord,
  turnId: string,
  items: readonly NormalizedItem[],
  prefix: readonly string[],
  history: readonly string[],
): string[] {
  const result = [...prefix];
  for (const id of prefix) graph.items.get(id)!.listed = true;
  items.forEach((item) => {
    const expectedId = history[result.length];
    const expected = expectedId === undefined ? undefined : graph.items.get(expectedId);
    let known = expected !== undefined && isSame(expected, item) ? expected : undefined;
    if (expected !== undefined && known === undefined) {
      graph.problem(
        'PREVIOUS_RESPONSE',
        `the request continues a response, but its item ${result.length} differs from ${expectedId}, which is already there`,
      );
    }
    known ??= takeUnseenAgentMessage(thread, item);
    if (known === undefined) {
      result.push(createItem(graph, thread, turnId, item, [], true).item.item_id);
    } else {
      seeAgain(graph, thread, known, item, [], true);
      result.push(known.item.item_id);
    }
  });
  return result;
}

/** The items of a response: known ones by the provider's id, the rest new. */
export function reconcileResponse(
  graph: TraceGraph,
  thread: ThreadRecord,
  turnId: string,
  items: readonly NormalizedItem[],
  producer: ProducerReference,
): string[] {
  const used = new Set<ItemRecord>();
  return items.map((item) => {
    const known =
      item.providerId === null
        ? undefined
        : (thread.byProviderId
            .get(item.providerId)
            ?.find((record) => !used.has(record) && isSame(record, item)) ??
          takeUnseenAgentMessage(thread, item));
    const record = known ?? createItem(graph, thread, turnId, item, [producer], false);
    used.add(record);
    if (known !== undefined) seeAgain(graph, thread, known, item, [producer], false);
    return record.item.item_id;
  });
}

function takeUnseenAgentMessage(thread: ThreadRecord, item: NormalizedItem): ItemRecord | undefined {
  if (item.providerId === null || item.agentMessage === null) return undefined;
  const record = thread.unseenAgentMessages.get(item.providerId);
  if (record === undefined) return undefined;
  thread.unseenAgentMessages.delete(item.providerId);
  if (!isSame(record, item)) {
    // The receipt announced the message; what the model was shown is what counts.
    record.item.body = { parts: item.parts };
    record.keys = contentKeys({ ...item, agentMessage: record.item.agent_message ?? null });
  }
  return record;
}

/** Makes a new item. `listed` puts it into the thread's history at once. */
export function createItem(
  graph: TraceGraph,
  thread: ThreadRecord,
  turnId: string | null,
  item: NormalizedItem,
  producers: ProducerReference[],
  listed: boolean,
): ItemRecord {
  checkCallContent(graph, thread, item);
  const ordinal = graph.items.size + 1;
  const acceptance = item.providerId === null ? undefined : thread.acceptances.get(item.providerId);
  const state: ConversationItem = {
    item_id: `conversation_item:${ordinal}`,
    ...(item.providerId === null ? {} : { responses_item_id: item.providerId }),
    ...(acceptance === undefined
      ? {}
      : { accepted_at_unix_ms: acceptance.time, accepted_seq: acceptance.seq }),
    thread_id: thread.thread.thread_id,
    codex_turn_id: turnId,
    first_seen_at_unix_ms: graph.location.time,
    role: item.role,
    channel: item.channel,
    kind: item.kind,
    ...(item.agentMessage === null ? {} : { agent_message: item.agentMessage }),
    body: { parts: item.parts },
    call_id: item.callId,
    produced_by: producers,
  };
  const record: ItemRecord = {
    item: state,
    ordinal,
    keys: item.keys,
    listed: listed || acceptance !== undefined,
    linkedToTool: false,
    linkedToCell: false,
  };
  graph.items.set(state.item_id, record);
  thread.items.push(record);
  if (item.providerId !== null) rememberProviderId(thread, item.providerId, record);
  if (item.callId !== null) {
    let byCall = thread.byCall.get(item.callId);
    if (byCall === undefined) thread.byCall.set(item.callId, (byCall = { calls: [], outputs: [] }));
    (isCall(item.kind) ? byCall.calls : byCall.outputs).push(record);
  }
  sighted(graph, thread, record);
  return record;
}

function isCall(kind: ConversationItem['kind']): boolean {
  return kind === 'function_call' || kind === 'custom_tool_call';
}

function checkCallContent(graph: TraceGraph, thread: ThreadRecord, item: NormalizedItem): void {
  if (item.callId === null || !isCall(item.kind)) return;
  const call = `${item.kind}:${item.callId}`;
  const key = item.keys[0]!;
  const known = thread.callKeys.get(call);
  if (known === undefined) thread.callKeys.set(call, key);
  else if (known !== key) {
    graph.problem('CALL_ID_CONFLICT', `the call id ${item.callId} was used again for a different call`);
  }
}

function rememberProviderId(thread: ThreadRecord, id: string, record: ItemRecord): void {
  const list = thread.byProviderId.get(id);
  if (list === undefined) thread.byProviderId.set(id, [record]);
  else list.push(record);
}

/** A known item appears once more: it may bring the provider's id, readable reasoning or another producer. */
function seeAgain(
  graph: TraceGraph,
  thread: ThreadRecord,
  record: ItemRecord,
  item: NormalizedItem,
  producers: readonly ProducerReference[],
  listed: boolean,
): void {
  if (listed) record.listed = true;
  if (item.kind === 'reasoning') mergeReasoning(record, item);
  for (const producer of producers) addProducer(record.item, producer);
  if (item.providerId !== null && record.item.responses_item_id === undefined) {
    adoptProviderId(thread, record, item.providerId);
  }
  sighted(graph, thread, record);
}

function adoptProviderId(thread: ThreadRecord, record: ItemRecord, providerId: string): void {
  record.item.responses_item_id = providerId;
  const acceptance = thread.acceptances.get(providerId);
  if (acceptance !== undefined) markAccepted(record, acceptance);
  rememberProviderId(thread, providerId, record);
}

function mergeReasoning(record: ItemRecord, item: NormalizedItem): void {
  const merged: ConversationPart[] = [];
  for (const type of ['text', 'summary', 'encoded'] as const) {
    const own = record.item.body.parts.filter((part) => part.type === type);
    merged.push(...(own.length > 0 ? own : item.parts.filter((part) => part.type === type)));
  }
  record.item.body.parts = merged;
  record.keys = contentKeys({ ...item, parts: merged });
}

/** Links an item with the tool call, the cell and the message between agents it belongs to. */
function sighted(graph: TraceGraph, thread: ThreadRecord, record: ItemRecord): void {
  if (record.item.call_id !== null) linkItem(graph, thread, record);
  deliverMessage(graph, thread, record);
}

/** The host took an item into its history. */
export function acceptItem(graph: TraceGraph, thread: ThreadRecord, providerId: string): void {
  if (thread.acceptances.has(providerId)) return;
  const acceptance = { time: graph.location.time, seq: graph.location.seq };
  thread.acceptances.set(providerId, acceptance);
  for (const record of thread.byProviderId.get(providerId) ?? []) {
    markAccepted(record, acceptance);
  }
}

function markAccepted(record: ItemRecord, acceptance: { time: number; seq: number }): void {
  record.item.accepted_at_unix_ms = acceptance.time;
  record.item.accepted_seq = acceptance.seq;
  record.listed = true;
}

/** The host took a message of another agent into its history, which no request has shown yet. */
export function acceptAgentMessage(
  graph: TraceGraph,
  thread: ThreadRecord,
  turnId: string | null,
  item: NormalizedItem,
): void {
  const known = thread.byProviderId
    .get(item.providerId ?? '')
    ?.some((record) => record.item.agent_message !== undefined);
  if (known === true) return;
  const record = createItem(graph, thread, turnId, item, [], true);
  if (item.providerId !== null) thread.unseenAgentMessages.set(item.providerId, record);
}
