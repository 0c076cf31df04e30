import type {
  CellEnd,
  ModelCallEnd,
  ObservedCell,
  ObservedModelCall,
  ObservedToolCall,
  ObservedWait,
  RefusedExec,
  SessionObserver,
  TerminateRequest,
  ToolCallEnd,
  WaitEnd,
} from '../../observer.js';
import type { ContentItem, Outcome } from '../../outcome.js';
import type { EventLog } from './event-log.js';
import { stringify } from './json.js';
import type { NotedOutcome, SessionEvents } from './session-events.js';

/**
 * Notes what a session does. All of this runs while the session works, so it only keeps what is there already; what
 * the host may change afterwards is copied.
 */
export class SessionNotes implements SessionObserver {
  readonly #log: EventLog;
  readonly #events: SessionEvents;
  /** A first outcome that is also the cell's end, which is about to be told. */
  #final: Outcome | null = null;
  /** Cells whose outcome nobody had asked for when they ended. */
  readonly #endedUnobserved = new Set<ObservedCell>();

  constructor(log: EventLog, events: SessionEvents) {
    this.#log = log;
    this.#events = events;
  }

  modelCallStarted(call: ObservedModelCall): void {
    const input = textOf(call.input);
    this.#log.noteStart(this.#events.modelCallStarted, call, input, input.length);
  }

  modelCallEnded(call: ObservedModelCall, end: ModelCallEnd): void {
    const { modelCallEnded } = this.#events;
    if (end.result === null) return this.#log.note(modelCallEnded, call, { error: end.error }, 0);
    const { contentItems, success } = end.result;
    const items = contentItems.slice();
    this.#log.note(modelCallEnded, call, { items, success }, lengthOf(items));
  }

  execRefused(exec: RefusedExec, error: unknown): void {
    // What a model asked for is recorded with its call.
    if (exec.modelCall === null) this.#log.noteStart(this.#events.execRefused, exec, error, 0);
  }

  cellStarted(cell: ObservedCell): void {
    this.#log.noteStart(this.#events.cellStarted, cell, null, cell.source.length);
  }

  firstOutcome(cell: ObservedCell, outcome: Outcome): void {
    const hasEnded = this.#endedUnobserved.size > 0 && this.#endedUnobserved.delete(cell);
    const endFollows = outcome.status !== 'yielded' && !hasEnded;
    // One note for both, as this is what happens most.
    if (endFollows) this.#final = outcome;
    else this.#log.note(this.#events.firstOutcome, cell, noteOutcome(outcome), outcome.metrics.outputBytes);
  }

  notified(cell: ObservedCell, text: string): void {
    this.#log.noteStart(this.#events.notified, cell, text, text.length);
  }

  terminateRequested(cell: ObservedCell, request: TerminateRequest): void {
    this.#log.noteStart(this.#events.terminateRequested, cell, request, 0);
  }

  cellEnded(cell: ObservedCell, end: CellEnd): void {
    const { outcome } = end;
    const isFirst = outcome !== null && outcome === this.#final;
    this.#final = null;
    if (outcome === null) this.#endedUnobserved.add(cell);
    const noted = outcome === null ? null : noteOutcome(outcome);
    this.#log.note(this.#events.cellEnded, cell, { end, noted, isFirst }, end.metrics.outputBytes);
  }

  waitStarted(wait: ObservedWait): void {
    if (wait.modelCall === null) this.#log.noteStart(this.#events.waitStarted, wait, null, 0);
  }

  waitEnded(wait: ObservedWait, end: WaitEnd): void {
    if (wait.cell !== null) this.#endedUnobserved.delete(wait.cell);
    if (wait.modelCall !== null) return;
    if (end.outcome === null) return this.#log.note(this.#events.waitEnded, wait, { error: end.error }, 0);
    const { outputBytes } = end.outcome.metrics;
    this.#log.note(this.#events.waitEnded, wait, noteOutcome(end.outcome), outputBytes);
  }

  toolCallStarted(call: ObservedToolCall): void {
    this.#log.noteStart(this.#events.toolCallStarted, call, null, call.inputJson?.length ?? 0);
  }

  runTool(call: ObservedToolCall, run: () => void): void {
    this.#log.note(this.#events.toolRun, call, null, 0);
    run();
  }

  toolCallEnded(call: ObservedToolCall, end: ToolCallEnd): void {
    this.#log.note(this.#events.toolCallEnded, call, end, end.resultJson?.length ?? 0);
  }
}

/** The list of items belongs to the host, which may change it. */
function noteOutcome(outcome: Outcome): NotedOutcome {
  return { outcome, items: outcome.contentItems.slice() };
}

function lengthOf(items: readonly ContentItem[]): number {
  let length = 0;
  for (const item of items) {
    if (item.type === 'input_text') length += item.text.length;
    else length += item.type === 'input_image' ? item.image_url.length : item.audio_url.length;
  }
  return length;
}

/** What a model gave its call, as text. */
function textOf(input: unknown): string {
  if (typeof input === 'string') return input;
  try {
    return stringify(input) ?? '';
  } catch {
    return '';
  }
}
