import { createHash } from 'node:crypto';
import type { TimelineSpan } from '../analysis/span.js';
import type { Timeline } from '../analysis/timeline.js';
import type { TraceState } from '../state.js';

/** A value of OTLP/JSON; 64-bit integers are texts there. */
export type OtlpValue = { stringValue: string } | { intValue: string } | { boolValue: boolean };

export interface OtlpAttribute {
  key: string;
  value: OtlpValue;
}

export interface OtlpSpan {
  /** 32 and 16 hexadecimal digits. */
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  /** 1: internal, 3: client. */
  kind: 1 | 3;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: OtlpAttribute[];
  links: { traceId: string; spanId: string; attributes: OtlpAttribute[] }[];
  /** 0: unset, 2: error. */
  status: { code: 0 } | { code: 2; message?: string };
}

/** The body of an OTLP/HTTP request with JSON: what `/v1/traces` of a collector takes. */
export interface OtlpTraces {
  resourceSpans: {
    resource: { attributes: OtlpAttribute[] };
    scopeSpans: { scope: { name: string }; spans: OtlpSpan[] }[];
  }[];
}

export interface OtlpOptions {
  /** `service.name` of the resource (default `codecell`). */
  serviceName?: string;
  /** By `spanId` of the timeline: the message of what failed. */
  errors?: ReadonlyMap<string, string>;
}

type AttributeValue = string | number | boolean | null | undefined;

/**
 * The spans of a trace for OpenTelemetry, with the attributes of its GenAI conventions where these have one, and
 * `codecell.*` beside. Ids are made from those of the graph, so that the same trace gives the same ids. Holds no
 * prompts, sources, inputs or outputs; messages of failures only as far as `errors` gives them.
 */
export function toOtlp(state: TraceState, timeline: Timeline, options: OtlpOptions = {}): OtlpTraces {
  const { serviceName = 'codecell', errors = new Map<string, string>() } = options;
  const traceKey = state.trace_id === '' ? state.rollout_id : state.trace_id;
  const ids = new OtlpIds(traceKey);
  return {
    resourceSpans: [
      {
        resource: {
          attributes: attributesOf({
            'service.name': serviceName,
            'codecell.trace.id': state.trace_id,
            'codecell.rollout.id': state.rollout_id,
            'codecell.rollout.status': state.status,
            'codecell.recording_complete': state.recording_complete,
          }),
        },
        scopeSpans: [
          {
            scope: { name: 'codecell/trace' },
            spans: timeline.spans.map((span) => otlpSpan(state, span, ids, errors.get(span.spanId))),
          },
        ],
      },
    ],
  };
}

class OtlpIds {
  readonly traceId: string;

  constructor(readonly traceKey: string) {
    this.traceId = digest(`trace\0${traceKey}`, 16);
  }

  span(spanId: string): string {
    return digest(`span\0${this.traceKey}\0${spanId}`, 8);
  }
}

/** Hexadecimal digits of so many bytes. All zeros, which OpenTelemetry forbids, do not come out of a hash. */
function digest(text: string, bytes: number): string {
  return createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, bytes * 2);
}

function otlpSpan(state: TraceState, span: TimelineSpan, ids: OtlpIds, error: string | undefined): OtlpSpan {
  const end = span.endedAtMs === null ? span.shownUntilMs : Math.max(span.startedAtMs, span.endedAtMs);
  return {
    traceId: ids.traceId,
    spanId: ids.span(span.spanId),
    ...(span.parentSpanId === null ? {} : { parentSpanId: ids.span(span.parentSpanId) }),
    name: nameOf(span),
    kind: span.kind === 'inference' || span.kind === 'compaction_request' ? 3 : 1,
    startTimeUnixNano: nanoseconds(span.startedAtMs),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributesOf({
      ...conventional(state, span),
      'gen_ai.conversation.id': span.threadId,
      'error.type': span.outcome === 'failed' ? '_OTHER' : null,
      'process.exit.code': span.exitCode,
      'codecell.kind': span.kind,
      'codecell.id': span.id,
      'codecell.status': span.status,
      'codecell.unfinished': span.outcome === 'unfinished' ? true : null,
      'codecell.turn.id': span.turnId,
      'codecell.started_seq': span.startedSeq,
      'codecell.ended_seq': span.endedSeq,
    }),
    links: span.links.map((link) => ({
      traceId: ids.traceId,
      spanId: ids.span(link.spanId),
      attributes: attributesOf({ 'codecell.link': link.kind }),
    })),
    status:
      span.outcome === 'failed'
        ? { code: 2, ...(error === undefined ? {} : { message: error }) }
        : { code: 0 },
  };
}

function nameOf(span: TimelineSpan): string {
  switch (span.kind) {
    case 'thread':
      return `invoke_agent ${span.label}`;
    case 'inference':
      return `chat ${span.label}`;
    case 'tool_call':
    case 'wait':
      return `execute_tool ${span.label}`;
    case 'code_cell':
    case 'turn':
    case 'terminal':
    case 'compaction':
    case 'compaction_request':
      return span.label;
  }
}

/** What the GenAI conventions have an attribute for. */
function conventional(state: TraceState, span: TimelineSpan): Record<string, AttributeValue> {
  switch (span.kind) {
    case 'thread': {
      const thread = state.threads[span.id];
      return {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.id': span.id,
        'gen_ai.agent.name': thread?.nickname ?? thread?.agent_path,
        'gen_ai.request.model': thread?.default_model,
      };
    }
    case 'inference': {
      const call = state.inference_calls[span.id];
      return {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': call?.provider_name,
        'gen_ai.request.model': call?.model,
        'gen_ai.response.id': call?.response_id,
        'gen_ai.usage.input_tokens': call?.usage?.input_tokens,
        'gen_ai.usage.output_tokens': call?.usage?.output_tokens,
        'gen_ai.usage.cache_read.input_tokens': call?.usage?.cached_input_tokens,
        'gen_ai.usage.cache_creation.input_tokens': call?.usage?.cache_write_input_tokens,
        'gen_ai.usage.reasoning.output_tokens': call?.usage?.reasoning_output_tokens,
      };
    }
    case 'compaction_request': {
      const request = state.compaction_requests[span.id];
      return {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': request?.provider_name,
        'gen_ai.request.model': request?.model,
      };
    }
    case 'tool_call':
    case 'wait':
      return {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': span.label,
        'gen_ai.tool.call.id': span.id,
        'gen_ai.tool.type': 'function',
        'codecell.cell.tool_id': state.tool_calls[span.id]?.code_mode_runtime_tool_id,
      };
    case 'code_cell': {
      const cell = state.code_cells[span.id];
      return {
        'codecell.cell.id': cell?.runtime_cell_id,
        'gen_ai.tool.call.id': cell?.model_visible_call_id,
      };
    }
    case 'turn':
    case 'terminal':
    case 'compaction':
      return {};
  }
}

function attributesOf(values: Record<string, AttributeValue>): OtlpAttribute[] {
  return Object.entries(values).flatMap(([key, value]): OtlpAttribute[] => {
    if (value === null || value === undefined) return [];
    if (typeof value === 'string') return [{ key, value: { stringValue: value } }];
    if (typeof value === 'boolean') return [{ key, value: { boolValue: value } }];
    return [{ key, value: { intValue: String(value) } }];
  });
}

/** OpenTelemetry knows no time before 1970. */
function nanoseconds(ms: number): string {
  return String(BigInt(Math.max(0, Math.round(ms))) * 1_000_000n);
}
