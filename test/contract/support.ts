/** What contract and lifecycle tests share: services that close themselves, and gates instead of sleeps. */
import { onTestFinished } from 'vitest';
import {
  CodeModeService,
  type CellEvent,
  type CodeModeSession,
  type ContentItem,
  type Outcome,
  type ServiceOptions,
  type SessionOptions,
  type ToolDefinition,
  type ToolExecuteContext,
} from '../../lib/index.js';
import { isolation } from '../isolation.js';

/** A service that is closed when the test ends. */
export function openService(options?: ServiceOptions): CodeModeService {
  const service = new CodeModeService({ warmIsolates: 1, isolation, ...options });
  onTestFinished(() => service.close());
  return service;
}

/** A session of a service of its own, closed when the test ends. */
export function openSession(options?: SessionOptions, serviceOptions?: ServiceOptions): CodeModeSession {
  return openService(serviceOptions).createSession(options);
}

export interface Gate<T = void> {
  /** Resolves when the gate is opened. */
  passed: Promise<T>;
  open: (value: T) => void;
  fail: (error: unknown) => void;
}

export function gate<T = void>(): Gate<T> {
  let open!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const passed = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  passed.catch(() => {});
  return { passed, open, fail };
}

export interface BlockingTool {
  tool: ToolDefinition;
  /** Resolves with the call's context when a script has called the tool. */
  reached: Promise<ToolExecuteContext>;
  /** Answers the call. */
  release: (value?: unknown) => void;
  fail: (error: unknown) => void;
}

/** A tool that says when it was called and answers when it is told to. */
export function blockingTool(name = 'block'): BlockingTool {
  const reached = gate<ToolExecuteContext>();
  const answer = gate<unknown>();
  const tool: ToolDefinition = {
    name,
    execute: (_input, context) => {
      reached.open(context);
      return answer.passed;
    },
  };
  return { tool, reached: reached.passed, release: answer.open, fail: answer.fail };
}

/** A tool that answers with its input. */
export const echo: ToolDefinition = { name: 'echo', execute: (input) => input };

/** Resolves when the signal fires. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The texts of an outcome's output. */
export function texts(outcome: { contentItems: ContentItem[] }): string[] {
  return outcome.contentItems.map((item) => (item.type === 'input_text' ? item.text : `<${item.type}>`));
}

/** The status and, for a failure, its code: what most tests want to see. */
export function ending(outcome: Outcome): string {
  return outcome.error === null ? outcome.status : `${outcome.status} ${outcome.error.code}`;
}

/** Resolves with the cell's first event of a type; the cell is not observed by it. */
export async function eventOf(cell: AsyncIterable<CellEvent>, type: CellEvent['type']): Promise<CellEvent> {
  for await (const event of cell) if (event.type === type) return event;
  throw new Error(`the cell ended without ${type}`);
}

/** Runs what is queued at the moment: promise reactions and callbacks of the event loop's current turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
