/** Runs recorded cases on the real addon and gives what happened in the recorded shape. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodeModeError, type CodeModeService, type Outcome, type ToolDefinition } from '../../lib/index.js';
import type { CaseTool, ConformanceCase, RecordedCall, RecordedResult, Step } from './cases.js';

export type Profile = 'default' | 'codex';

export interface CaseRun {
  result: RecordedResult;
  /** The outcomes behind the result, in the order in which the steps were started. */
  outcomes: Outcome[];
}

/** Content items above this number are recorded as a digest. */
const digestedAbove = 200;

const behaviours: Record<string, (input: unknown) => unknown> = {
  echo: (input) => ({ v: input }),
  fail: () => Promise.reject(new Error('boom')),
  slow: async (input) => {
    await sleep(50);
    return { v: input };
  },
  never: () => new Promise(() => {}),
  add: (input) => {
    const { a, b } = input as { a: number; b: number };
    return a + b;
  },
  big: () => 'x'.repeat(1024 * 1024),
  nul: () => null,
  str: () => 'plain',
  mcp: () => ({
    content: [
      { type: 'text', text: 'hello' },
      { type: 'image', data: 'AAAA', mimeType: 'image/png', _meta: { 'codex/imageDetail': 'original' } },
    ],
    isError: false,
  }),
};

function defineCaseTool(tool: CaseTool, calls: RecordedCall[]): ToolDefinition {
  const behave = behaviours[tool.behaviour];
  if (!behave) throw new Error(`no behaviour ${tool.behaviour}`);
  return {
    name: tool.name,
    kind: tool.kind,
    description: tool.description ?? `Tool ${tool.name}`,
    ...(tool.tool_name === undefined ? {} : { toolName: tool.tool_name }),
    ...(tool.namespace === undefined ? {} : { namespace: tool.namespace }),
    execute: (input, { callId, signal }) => {
      const call: RecordedCall = {
        tool: tool.tool_name ?? tool.name,
        ...(tool.namespace === undefined ? {} : { namespace: tool.namespace }),
        kind: tool.kind,
        input,
        call: callId,
      };
      calls.push(call);
      signal.addEventListener('abort', () => (call.cancelled = true), { once: true });
      return behave(input);
    },
  };
}

function toResult(outcome: Outcome): RecordedResult {
  const items = outcome.contentItems;
  const digest = () => ({
    count: items.length,
    sha256: createHash('sha256').update(JSON.stringify(items)).digest('hex'),
  });
  return {
    status: outcome.status,
    cell_id: outcome.cellId,
    ...(items.length > digestedAbove
      ? { content_items_digest: digest() }
      : { content_items: items.map((item) => ({ ...item })) }),
    error_text: outcome.error?.text ?? null,
  };
}

/** Runs one case in a fresh session (or as many as it names) of `service`. */
export async function runCase(
  service: CodeModeService,
  testCase: ConformanceCase,
  profile: Profile,
): Promise<CaseRun> {
  const calls: RecordedCall[] = [];
  const notes: string[] = [];
  const outcomes: Outcome[] = [];
  const sessions = new Map<string, ReturnType<CodeModeService['createSession']>>();

  const sessionNamed = (name: string) => {
    const open = sessions.get(name);
    if (open) return open;
    const session = service.createSession({
      profile,
      tools: testCase.tools.map((tool) => defineCaseTool(tool, calls)),
      onNotify: ({ text }) => {
        notes.push(text);
      },
    });
    sessions.set(name, session);
    return session;
  };

  const observe = async (step: Step): Promise<RecordedResult> => {
    const session = sessionNamed(step.in ?? 'first');
    const slot = outcomes.length;
    const running = step.exec
      ? session.exec(step.exec.source, { callId: 'call-1', yieldTimeMs: step.exec.yield_time_ms })
      : step.wait
        ? session.wait(step.wait.cell_id, { yieldTimeMs: step.wait.yield_time_ms })
        : session.terminate(step.terminate!.cell_id);
    try {
      const outcome = await running;
      outcomes.splice(slot, 0, outcome);
      return toResult(outcome);
    } catch (error) {
      if (!CodeModeError.is(error)) throw error;
      return { status: 'request_error', error_text: error.message };
    }
  };

  const runStep = async (step: Step): Promise<RecordedResult | undefined> => {
    if (step.sleep !== undefined) {
      await sleep(step.sleep);
      return undefined;
    }
    if (!step.parallel) return await observe(step);
    const started = step.parallel.map(async (inner) => {
      if (inner.after) await sleep(inner.after);
      return await observe(inner);
    });
    return { parallel: await Promise.all(started) };
  };

  try {
    const result: RecordedResult = {};
    if (testCase.session) {
      result.steps = [];
      for (const step of testCase.session) {
        const stepResult = await runStep(step);
        if (stepResult) result.steps.push(stepResult);
      }
    } else {
      Object.assign(
        result,
        await observe({
          exec: { source: testCase.source ?? '', yield_time_ms: testCase.yield_time_ms ?? 30_000 },
        }),
      );
    }
    // A host of the recorded runtime cannot tell "no input" from null.
    const recordInput = (call: RecordedCall) => (profile === 'codex' ? (call.input ?? null) : call.input);
    if (notes.length > 0) result.notes = [...notes];
    if (calls.length > 0) result.calls = calls.map((call) => ({ ...call, input: recordInput(call) }));
    return { result, outcomes };
  } finally {
    await Promise.all([...sessions.values()].map((session) => session.close()));
  }
}
