import { TraceProblem, type TraceDiagnostic, type TraceProblemCode } from './errors.js';
import type { TraceEvent } from './events.js';
import type { ExactValue, PayloadText } from './json-text.js';
import type {
  AgentThread,
  CodeCell,
  CodexTurn,
  Compaction,
  CompactionRequest,
  ConversationItem,
  ExecutionStatus,
  ExecutionWindow,
  InferenceCall,
  InteractionEdge,
  PayloadReference,
  ProducerReference,
  RolloutStatus,
  TerminalOperation,
  TerminalSession,
  ToolCall,
} from './state.js';

/** A conversation item with what the reducer needs to find it again. */
export interface ItemRecord {
  readonly item: ConversationItem;
  /** Creation order, 1 for the first item of the bundle. */
  readonly ordinal: number;
  /** Every text by which an equal item is recognised. */
  keys: readonly string[];
  /** Whether the item belongs to the thread's history (and not only to a response that was never used). */
  listed: boolean;
  linkedToTool: boolean;
  linkedToCell: boolean;
}

/** What is kept per thread beside its state. */
export interface ThreadRecord {
  readonly thread: AgentThread;
  readonly items: ItemRecord[];
  /** By the provider's item id, in creation order. */
  readonly byProviderId: Map<string, ItemRecord[]>;
  /** By kind and call id: the content key of the first call. */
  readonly callKeys: Map<string, string>;
  /** By call id: calls and outputs in creation order. */
  readonly byCall: Map<string, { calls: ItemRecord[]; outputs: ItemRecord[] }>;
  /** When each provider item id was first taken into the history. */
  readonly acceptances: Map<string, { time: number; seq: number }>;
  /** Agent messages accepted before any request showed them, by provider id. */
  readonly unseenAgentMessages: Map<string, ItemRecord>;
  /** The latest inference that started in the thread. */
  latestInference: InferenceCall | undefined;
  /** The history that a compaction put in place, until the next full request. */
  replacement: readonly string[] | undefined;
  /** Inferences by the provider's id of their response. */
  readonly byResponse: Map<string, Set<InferenceCall>>;
  /** Process id to terminal session id. */
  readonly processes: Map<string, string>;
  /** Messages that came from other agents, by author and content. */
  readonly inboundMessages: Map<string, ItemRecord[]>;
}

/** A cell whose `exec` call has not been seen in the conversation yet. */
export interface PendingCell {
  readonly cellId: string;
  readonly callId: string;
  readonly runtimeCellId: string;
  readonly threadId: string;
  readonly turnId: string | null;
  readonly source: string;
  readonly seq: number;
  readonly time: number;
  readonly nestedToolCallIds: string[];
  readonly responses: (() => void)[];
}

/** An interaction whose far end has not been seen yet. */
export interface PendingEdge {
  readonly edge: Omit<InteractionEdge, 'target' | 'carried_item_ids'>;
  readonly targetThreadId: string;
  readonly authorThreadId: string;
  readonly content: string;
}

/** Where the event that is being applied stands. */
export interface EventLocation {
  seq: number;
  time: number;
  line: number | undefined;
}

/** The contents of a payload; throws a TraceProblem when it cannot be read. */
export type PayloadSource = (reference: PayloadReference) => PayloadText;

/** All that the reducer has learnt so far. Every lookup is by key; nothing is searched. */
export class TraceGraph {
  readonly threads = new Map<string, ThreadRecord>();
  readonly turns = new Map<string, CodexTurn>();
  readonly items = new Map<string, ItemRecord>();
  readonly inferences = new Map<string, InferenceCall>();
  readonly cells = new Map<string, CodeCell>();
  readonly tools = new Map<string, ToolCall>();
  readonly terminalSessions = new Map<string, TerminalSession>();
  readonly terminalOperations = new Map<string, TerminalOperation>();
  readonly compactions = new Map<string, Compaction>();
  readonly compactionRequests = new Map<string, CompactionRequest>();
  readonly edges = new Map<string, InteractionEdge>();
  readonly payloads = new Map<string, PayloadReference>();

  traceId = '';
  rolloutId = '';
  rootThreadId = '';
  startedAt = 0;
  endedAt: number | null = null;
  status: RolloutStatus = 'running';
  recordingCompleted = false;

  /** By thread, runtime cell id to code cell id. A cell may be announced before its thread. */
  readonly runtimeCells = new Map<string, Map<string, string>>();
  readonly pendingCells = new Map<string, PendingCell>();
  readonly pendingEdges = new Map<string, PendingEdge>();
  /** Pending edges by the thread that is to receive the message, in the order of their arrival. */
  readonly pendingEdgesByThread = new Map<string, Set<string>>();
  /** Items that already are the target of an edge. */
  readonly targetedItems = new Set<string>();
  /** By model-visible call id. */
  readonly toolsByCall = new Map<string, ToolCall>();
  /** By item id: the inferences whose response holds the item. */
  readonly responsesByItem = new Map<string, Set<InferenceCall>>();
  readonly toolsByInference = new Map<InferenceCall, Set<string>>();
  readonly runningByTurn = new Map<string, { cells: Set<CodeCell>; inferences: Set<InferenceCall> }>();
  readonly requestsByCompaction = new Map<string, string[]>();
  /** By operation: the id of its process, once known. */
  readonly processOfOperation = new Map<string, string>();
  /** Arguments of calls to other agents, needed when their activity is observed. */
  readonly agentArguments = new Map<string, { arguments: string | undefined }>();
  readonly edgeOfTool = new Map<string, Set<string>>();
  /** By child turn: the latest message of the assistant. */
  readonly latestMessage = new Map<string, ItemRecord>();

  readonly diagnostics: TraceDiagnostic[] = [];
  readonly incomplete = { threads: new Set<string>(), turns: new Set<string>() };
  location: EventLocation = { seq: 0, time: 0, line: undefined };
  /** Problems of the current event, each noted once. */
  readonly #noted = new Set<string>();

  constructor(
    readonly strict: boolean,
    readonly readPayload: PayloadSource,
  ) {}

  locate(location: EventLocation): void {
    this.location = location;
    this.#noted.clear();
  }

  /** Refuses the bundle in strict mode; otherwise notes the problem, and the caller goes on. */
  problem(code: TraceProblemCode, message: string): void {
    if (this.strict) throw new TraceProblem(code, message);
    this.note('error', code, message);
  }

  warn(code: TraceProblemCode, message: string): void {
    this.note('warning', code, message);
  }

  note(severity: 'error' | 'warning', code: TraceProblemCode, message: string): void {
    const { seq, line } = this.location;
    const text = `${code} ${message}`;
    if (this.#noted.has(text)) return;
    this.#noted.add(text);
    this.diagnostics.push({
      severity,
      code,
      message,
      ...(seq > 0 ? { seq } : {}),
      ...(line === undefined ? {} : { line }),
    });
  }

  /** Runs one step; in lenient mode what it throws is noted and undefined is returned. */
  attempt<Result>(step: () => Result): Result | undefined {
    if (this.strict) return step();
    try {
      return step();
    } catch (error) {
      if (!(error instanceof TraceProblem)) throw error;
      this.note('error', error.problem, error.message);
      return undefined;
    }
  }

  addThread(threadId: string, agentPath: string): ThreadRecord {
    const record: ThreadRecord = {
      thread: {
        thread_id: threadId,
        agent_path: agentPath,
        nickname: null,
        origin: { type: 'root' },
        execution: this.openWindow(),
        default_model: null,
        conversation_item_ids: [],
      },
      items: [],
      byProviderId: new Map(),
      callKeys: new Map(),
      byCall: new Map(),
      acceptances: new Map(),
      unseenAgentMessages: new Map(),
      latestInference: undefined,
      replacement: undefined,
      byResponse: new Map(),
      processes: new Map(),
      inboundMessages: new Map(),
    };
    this.threads.set(threadId, record);
    return record;
  }

  /** The thread; in lenient mode a stand-in when it was never started. */
  thread(threadId: string, what: string): ThreadRecord {
    const record = this.threads.get(threadId);
    if (record !== undefined) return record;
    this.problem('UNKNOWN_REFERENCE', `${what} names the thread ${threadId}, which was never started`);
    this.incomplete.threads.add(threadId);
    return this.addThread(threadId, '');
  }

  addTurn(turnId: string, threadId: string): CodexTurn {
    const turn: CodexTurn = {
      codex_turn_id: turnId,
      thread_id: threadId,
      execution: this.openWindow(),
      input_item_ids: [],
    };
    this.turns.set(turnId, turn);
    return turn;
  }

  /** The turn of a thread; in lenient mode a stand-in when it was never started. */
  turn(turnId: string, threadId: string, what: string): CodexTurn {
    let turn = this.turns.get(turnId);
    if (turn === undefined) {
      this.problem('UNKNOWN_REFERENCE', `${what} names the turn ${turnId}, which was never started`);
      this.incomplete.turns.add(turnId);
      turn = this.addTurn(turnId, threadId);
    }
    if (turn.thread_id !== threadId) {
      this.problem(
        'THREAD_MISMATCH',
        `${what} names the thread ${threadId}, while the turn ${turnId} belongs to ${turn.thread_id}`,
      );
    }
    return turn;
  }

  openWindow<Status extends string = ExecutionStatus>(): ExecutionWindow<Status | 'running'> {
    return {
      started_at_unix_ms: this.location.time,
      started_seq: this.location.seq,
      ended_at_unix_ms: null,
      ended_seq: null,
      status: 'running',
    };
  }

  closeWindow<Status extends string>(window: ExecutionWindow<Status>, status: Status): void {
    window.ended_at_unix_ms = this.location.time;
    window.ended_seq = this.location.seq;
    window.status = status;
  }

  running(turnId: string): { cells: Set<CodeCell>; inferences: Set<InferenceCall> } {
    let running = this.runningByTurn.get(turnId);
    if (running === undefined)
      this.runningByTurn.set(turnId, (running = { cells: new Set(), inferences: new Set() }));
    return running;
  }

  /** The thread an event belongs to: its own, or else the one of its turn. */
  threadOfEvent(event: TraceEvent): string | null {
    if (event.thread_id !== null) return event.thread_id;
    return event.codex_turn_id === null ? null : (this.turns.get(event.codex_turn_id)?.thread_id ?? null);
  }
}

export function addUnique<Value>(list: Value[], value: Value): void {
  if (!list.includes(value)) list.push(value);
}

/** The text of a number or a string, exact. */
export function literalText(value: ExactValue): string | undefined {
  if (value.type === 'string') return value.value;
  return value.type === 'literal' && /^[-\d]/.test(value.text) ? value.text : undefined;
}

/** One key out of two ids. */
export function pairKey(first: string, second: string): string {
  return `${first.length}:${first}${second}`;
}

export function addProducer(item: ConversationItem, producer: ProducerReference): void {
  const text = JSON.stringify(producer);
  if (!item.produced_by.some((known) => JSON.stringify(known) === text)) item.produced_by.push(producer);
}
