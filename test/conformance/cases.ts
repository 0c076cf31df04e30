/** The recorded cases: their shape and how to read them. */
import { readFileSync } from 'node:fs';

export interface CaseTool {
  name: string;
  kind: 'function' | 'freeform';
  behaviour: string;
  description?: string;
  tool_name?: string;
  namespace?: string;
}

export interface Step {
  exec?: { source: string; yield_time_ms: number };
  wait?: { cell_id: string; yield_time_ms: number };
  terminate?: { cell_id: string };
  sleep?: number;
  parallel?: Step[];
  /** Milliseconds after the start of its parallel step. */
  after?: number;
  /** Name of the session; the first one when left out. */
  in?: string;
}

/** One tool invocation as the host saw it. */
export interface RecordedCall {
  tool: string;
  namespace?: string;
  kind: string;
  input: unknown;
  call: string;
  cancelled?: true;
}

/** One observation. Expected values may hold vitest's asymmetric matchers in place of strings. */
export interface RecordedResult {
  status?: string;
  cell_id?: string;
  content_items?: Record<string, unknown>[];
  content_items_digest?: { count: number; sha256: string };
  error_text?: unknown;
  parallel?: RecordedResult[];
  steps?: RecordedResult[];
  notes?: string[];
  calls?: RecordedCall[];
}

export interface ConformanceCase {
  id: string;
  area: string;
  tier: 'core' | 'quirk';
  why?: string;
  tools: CaseTool[];
  source?: string;
  yield_time_ms?: number;
  session?: Step[];
  expect: RecordedResult;
}

export function loadCases(): ConformanceCase[] {
  const text = readFileSync(new URL('./cases.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { cases: ConformanceCase[] }).cases;
}

/** The sources a case runs, in order. */
export function sourcesOf({ source, session }: Pick<ConformanceCase, 'source' | 'session'>): string[] {
  if (source !== undefined) return [source];
  return (session ?? []).flatMap((step) =>
    step.exec ? [step.exec.source] : step.parallel ? sourcesOf({ session: step.parallel }) : [],
  );
}
