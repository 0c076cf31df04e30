/** Claims about the types of the public surface; the type check of the repository is what verifies them. */
import type { ChildProcess } from 'node:child_process';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  CodeModeError,
  CodeModeService,
  DEFAULT_LIMITS,
  defineTool,
  type CellError,
  type CellEvent,
  type CodeModeErrorCode,
  type ContentItem,
  type ModelCallResult,
  type Outcome,
  type SessionOptions,
  type StartedHostProcess,
  type ToolDefinition,
  type ToolExecuteContext,
} from '../../lib/index.js';

/** Compiled, never run. */
function never(_uses: () => unknown): void {}

declare const service: CodeModeService;
declare const outcome: Outcome;

describe('the types', () => {
  test('let a switch over the status be exhaustive, and tie error to it', () => {
    never(() => {
      switch (outcome.status) {
        case 'completed':
        case 'yielded':
          expectTypeOf(outcome.error).toEqualTypeOf<null>();
          return outcome.contentItems;
        case 'failed':
        case 'missing':
          expectTypeOf(outcome.error).toEqualTypeOf<CellError>();
          return outcome.error.code;
        case 'terminated':
          expectTypeOf(outcome.error).toEqualTypeOf<CellError | null>();
          return outcome.metrics.cpuMs;
        default:
          expectTypeOf(outcome).toBeNever();
          return outcome;
      }
    });
  });

  test('let a starter give a ChildProcess or a UtilityProcess', () => {
    /** As Electron declares it, as far as it matters. */
    interface UtilityProcess {
      on(event: 'error', listener: (type: 'FatalError', location: string, report: string) => void): this;
      on(event: 'exit', listener: (code: number) => void): this;
      on(event: 'message', listener: (message: any) => void): this;
      on(event: 'spawn', listener: () => void): this;
      kill(): boolean;
      postMessage(message: any, transfer?: unknown[]): void;
      pid: number | undefined;
    }
    expectTypeOf<ChildProcess>().toExtend<StartedHostProcess>();
    expectTypeOf<UtilityProcess>().toExtend<StartedHostProcess>();
  });

  test('tell content items and events apart by type', () => {
    never(() => {
      const item = {} as ContentItem;
      if (item.type === 'input_image')
        expectTypeOf(item.detail).toEqualTypeOf<'auto' | 'low' | 'high' | 'original'>();
      if (item.type === 'input_text') expectTypeOf(item.text).toBeString();
      const event = {} as CellEvent;
      if (event.type === 'toolCall') expectTypeOf(event.input).toBeUnknown();
      if (event.type === 'settled')
        expectTypeOf(event.status).toEqualTypeOf<'completed' | 'failed' | 'terminated'>();
    });
  });

  test('take tools of any input and output types, plain or made by defineTool', () => {
    const typed = defineTool({
      name: 'typed',
      inputSchema: z.object({ path: z.string() }),
      execute: ({ path }: { path: string }, { signal, callId }) => {
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        expectTypeOf(callId).toBeString();
        return path.length;
      },
    });
    expectTypeOf(typed).toEqualTypeOf<ToolDefinition<{ path: string }, number>>();
    const definition: ToolDefinition = { name: 'unknown', execute: (input) => input };
    const options: SessionOptions = {
      tools: [
        typed,
        definition,
        { name: 'plain', execute: (input: string) => input },
        {
          name: 'async',
          kind: 'freeform',
          execute: async (_input: string, _context: ToolExecuteContext) => 1,
        },
        { name: 'served elsewhere' },
      ],
      invokeTool: ({ name, input }, signal) => [name, input, signal.aborted],
    };
    never(() => service.createSession(options));
  });

  test('refuse what is misspelled or of the wrong type', () => {
    never(() => {
      // @ts-expect-error -- misspelled
      service.createSession({ tool: [] });
      // @ts-expect-error -- no such profile
      service.createSession({ profile: 'kind' });
      // @ts-expect-error -- not a number
      new CodeModeService({ limits: { heapMb: '128' } });
      // @ts-expect-error -- no such limit
      new CodeModeService({ limits: { heapBytes: 1 } });
      const session = service.createSession();
      // @ts-expect-error -- not a string
      void session.exec(5);
      // @ts-expect-error -- not a string
      void session.wait(1);
      // @ts-expect-error -- snake_case is for the wire
      void session.exec('', { yield_time_ms: 1 });
      // @ts-expect-error -- neither exec nor wait
      void session.handleToolCall({ name: 'shell', input: '' });
      // @ts-expect-error -- tools have a name
      service.createSession({ tools: [{ execute: () => 1 }] });
      // @ts-expect-error -- constant
      DEFAULT_LIMITS.heapMb = 1;
    });
  });

  test('accept null and undefined for every option', () => {
    never(() => {
      new CodeModeService({ warmIsolates: undefined, limits: null, imageUrls: null });
      const session = service.createSession({ tools: undefined, onNotify: null, storedValues: undefined });
      void session.exec('', { signal: undefined, callId: null, limits: { cpuMs: undefined, wallMs: null } });
      void session.wait('1', { terminate: undefined, yieldTimeMs: null });
    });
  });

  test('say what the methods give', () => {
    never(async () => {
      const session = service.createSession();
      expectTypeOf(session.exec('')).resolves.toEqualTypeOf<Outcome>();
      expectTypeOf(session.wait('1')).resolves.toEqualTypeOf<Outcome>();
      expectTypeOf(session.terminate('1')).resolves.toEqualTypeOf<Outcome>();
      expectTypeOf(
        session.handleToolCall({ name: 'wait', input: {} }),
      ).resolves.toEqualTypeOf<ModelCallResult>();
      expectTypeOf(session.storedValues()).toEqualTypeOf<Record<string, unknown>>();
      expectTypeOf(session.close()).resolves.toBeVoid();
      for await (const event of session.start('')) expectTypeOf(event).toEqualTypeOf<CellEvent>();
      const error: unknown = null;
      if (CodeModeError.is(error)) expectTypeOf(error.code).toEqualTypeOf<CodeModeErrorCode>();
    });
  });

  test('let services and sessions be resources', () => {
    expectTypeOf<CodeModeService>().toExtend<AsyncDisposable>();
    expectTypeOf<ReturnType<CodeModeService['createSession']>>().toExtend<AsyncDisposable>();
  });
});
