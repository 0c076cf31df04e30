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
import type { SessionEvents } from './session-events.js';

/**
 * Notes what a session does. All of this runs while the session works, so it only keeps what is there already; what
 * the host may change afterwards is copied.
 */
export class SessionNotes implements SessionObserver {
  readonly #log: EventLog;
  readonly #events: SessionEvents;
  readonly #copies = new WeakMap<Outcome, Outcome>();

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
    const items = contentItems.map(copyItem);
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
    const copy = this.#copy(outcome);
    this.#log.note(this.#events.firstOutcome, cell, copy, lengthOf(copy.contentItems));
  }

  notified(cell: ObservedCell, text: string): void {
    this.#log.noteStart(this.#events.notified, cell, text, text.length);
  }

  terminateRequested(cell: ObservedCell, request: TerminateRequest): void {
    this.#log.noteStart(this.#events.terminateRequested, cell, request, 0);
  }

  cellEnded(cell: ObservedCell, end: CellEnd): void {
    const copy = end.outcome === null ? end : { ...end, outcome: this.#copy(end.outcome) };
    this.#log.note(this.#events.cellEnded, cell, copy, 0);
  }

  waitStarted(wait: ObservedWait): void {
    if (wait.modelCall === null) this.#log.noteStart(this.#events.waitStarted, wait, null, 0);
  }

  waitEnded(wait: ObservedWait, end: WaitEnd): void {
    if (wait.modelCall !== null) return;
    if (end.outcome === null) return this.#log.note(this.#events.waitEnded, wait, { error: end.error }, 0);
    const outcome = this.#copy(end.outcome);
    this.#log.note(this.#events.waitEnded, wait, { outcome }, lengthOf(outcome.contentItems));
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

  /** One copy for all that is told of the same outcome. */
  #copy(outcome: Outcome): Outcome {
    let copy = this.#copies.get(outcome);
    if (copy === undefined) {
      copy = { ...outcome, contentItems: outcome.contentItems.map(copyItem) };
      this.#copies.set(outcome, copy);
    }
    return copy;
  }
}

function copyItem(item: ContentItem): ContentItem {
  return { ...item };
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
