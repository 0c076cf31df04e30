import type { CodeCell, ExecutionWindow, ToolCall, TraceState } from '../state.js';
import { CallCauses } from './call-causes.js';
import {
  outcomeOf,
  spanIdOf,
  type SpanKind,
  type SpanLink,
  type SpanStatus,
  type TimelineSpan,
} from './span.js';
import { commandLine, toolDetail, toolName } from './tool-names.js';

/** Every span of a state, in no order, with parents and links that may name what is not there. */
export function collectSpans(state: TraceState): TimelineSpan[] {
  const causes = new CallCauses(state);
  return [
    ...threadSpans(state),
    ...turnSpans(state),
    ...inferenceSpans(state, causes),
    ...Object.values(state.tool_calls).map((call) => toolSpan(state, call, causes)),
    ...Object.values(state.code_cells).map((cell) => cellSpan(cell, causes)),
    ...terminalSpans(state, causes),
    ...compactionSpans(state),
  ];
}

interface SpanParts {
  kind: SpanKind;
  id: string;
  label: string;
  detail?: string | null;
  threadId: string;
  turnId?: string | null;
  parentSpanId?: string | null;
  window: ExecutionWindow<string>;
  /** Where the window's own is not the one to tell. */
  status?: SpanStatus;
  exitCode?: number | null;
  links?: SpanLink[];
}

function makeSpan({ kind, id, window, ...rest }: SpanParts): TimelineSpan {
  const status = rest.status ?? (window.status as SpanStatus);
  const { started_at_unix_ms: startedAtMs, ended_at_unix_ms: endedAtMs } = window;
  return {
    spanId: spanIdOf(kind, id),
    kind,
    id,
    label: rest.label,
    detail: rest.detail ?? null,
    threadId: rest.threadId,
    turnId: rest.turnId ?? null,
    parentSpanId: rest.parentSpanId ?? null,
    childSpanIds: [],
    startedAtMs,
    startedSeq: window.started_seq,
    endedAtMs,
    endedSeq: window.ended_seq,
    durationMs: endedAtMs === null ? null : Math.max(0, endedAtMs - startedAtMs),
    shownUntilMs: endedAtMs ?? startedAtMs,
    status,
    outcome: outcomeOf(status, endedAtMs !== null),
    exitCode: rest.exitCode ?? null,
    links: rest.links ?? [],
  };
}

function threadSpans(state: TraceState): TimelineSpan[] {
  return Object.values(state.threads).map((thread) => {
    const { origin } = thread;
    const links: SpanLink[] = [];
    let parentSpanId: string | null = null;
    if (origin.type === 'spawned') {
      parentSpanId = spanIdOf('thread', origin.parent_thread_id);
      const source = state.interaction_edges[origin.spawn_edge_id]?.source;
      if (source?.type === 'tool_call') {
        links.push({ kind: 'spawned_by', spanId: spanIdOf('tool_call', source.tool_call_id) });
      }
    }
    return makeSpan({
      kind: 'thread',
      id: thread.thread_id,
      label: thread.agent_path === '' ? 'thread' : thread.agent_path,
      detail: thread.nickname,
      threadId: thread.thread_id,
      parentSpanId,
      window: thread.execution,
      links,
    });
  });
}

function turnSpans(state: TraceState): TimelineSpan[] {
  return Object.values(state.codex_turns).map((turn) =>
    makeSpan({
      kind: 'turn',
      id: turn.codex_turn_id,
      label: 'turn',
      threadId: turn.thread_id,
      turnId: turn.codex_turn_id,
      parentSpanId: spanIdOf('thread', turn.thread_id),
      window: turn.execution,
    }),
  );
}

function inferenceSpans(state: TraceState, causes: CallCauses): TimelineSpan[] {
  const reads = causes.firstReads();
  return Object.values(state.inference_calls).map((call) =>
    makeSpan({
      kind: 'inference',
      id: call.inference_call_id,
      label: call.model,
      detail: call.provider_name,
      threadId: call.thread_id,
      turnId: call.codex_turn_id,
      parentSpanId: spanIdOf('turn', call.codex_turn_id),
      window: call.execution,
      links: reads.get(call.inference_call_id) ?? [],
    }),
  );
}

function toolSpan(state: TraceState, call: ToolCall, causes: CallCauses): TimelineSpan {
  const { requester } = call;
  const waits = causes.waitsOn(call.tool_call_id);
  const links: SpanLink[] = [];
  let parentSpanId: string | null = null;
  if (requester.type === 'code_cell' && Object.hasOwn(state.code_cells, requester.code_cell_id)) {
    parentSpanId = spanIdOf('code_cell', requester.code_cell_id);
  } else {
    parentSpanId =
      call.started_by_codex_turn_id === null
        ? spanIdOf('thread', call.thread_id)
        : spanIdOf('turn', call.started_by_codex_turn_id);
    const inferenceId = causes.inferenceOfCall(call);
    if (inferenceId !== undefined) {
      links.push({ kind: 'requested_by', spanId: spanIdOf('inference', inferenceId) });
    }
  }
  for (const { cellId, terminate } of waits) {
    links.push({ kind: terminate ? 'terminates' : 'observes', spanId: spanIdOf('code_cell', cellId) });
  }
  const operation =
    call.terminal_operation_id === null ? undefined : state.terminal_operations[call.terminal_operation_id];
  return makeSpan({
    kind: causes.isWait(call) ? 'wait' : 'tool_call',
    id: call.tool_call_id,
    label: toolName(call),
    detail: toolDetail(state, call),
    threadId: call.thread_id,
    turnId: call.started_by_codex_turn_id,
    parentSpanId,
    window: call.execution,
    exitCode: operation?.result?.exit_code ?? null,
    links,
  });
}

function cellSpan(cell: CodeCell, causes: CallCauses): TimelineSpan {
  const execId = causes.execOf(cell.code_cell_id);
  const inferenceId = causes.inferenceOfItem(cell.source_item_id);
  return makeSpan({
    kind: 'code_cell',
    id: cell.code_cell_id,
    label: cell.runtime_cell_id === null ? 'cell' : `cell ${cell.runtime_cell_id}`,
    detail: firstLine(cell.source_js),
    threadId: cell.thread_id,
    turnId: cell.codex_turn_id,
    parentSpanId: execId === undefined ? spanIdOf('turn', cell.codex_turn_id) : spanIdOf('tool_call', execId),
    window: cell.execution,
    status: cell.runtime_status,
    links:
      inferenceId === undefined ? [] : [{ kind: 'requested_by', spanId: spanIdOf('inference', inferenceId) }],
  });
}

function terminalSpans(state: TraceState, causes: CallCauses): TimelineSpan[] {
  return Object.values(state.terminal_sessions).map((session) => {
    const operations = session.operation_ids.flatMap((id) => state.terminal_operations[id] ?? []);
    const request = operations[0]?.request;
    // The graph leaves terminals open; that its process has ended is told by one of its operations.
    const last = operations.find(({ result }) => result !== null && result.exit_code !== null);
    const exitCode = last?.result?.exit_code ?? null;
    const { execution } = session;
    return makeSpan({
      kind: 'terminal',
      id: session.terminal_id,
      label: 'terminal',
      detail: request?.type === 'exec_command' ? commandLine(request.command, request.display_command) : null,
      threadId: session.thread_id,
      parentSpanId: spanIdOf('thread', session.thread_id),
      window:
        execution.ended_at_unix_ms === null && last !== undefined
          ? {
              ...last.execution,
              started_at_unix_ms: execution.started_at_unix_ms,
              started_seq: execution.started_seq,
              status: 'completed',
            }
          : execution,
      exitCode,
      links: operations.map((operation) => ({
        kind: 'used_by',
        spanId: causes.spanIdOfTool(operation.tool_call_id),
      })),
    });
  });
}

function compactionSpans(state: TraceState): TimelineSpan[] {
  const requests = Object.values(state.compaction_requests);
  return [
    ...requests.map((request) =>
      makeSpan({
        kind: 'compaction_request',
        id: request.compaction_request_id,
        label: 'compaction request',
        detail: request.model,
        threadId: request.thread_id,
        turnId: request.codex_turn_id,
        parentSpanId: spanIdOf('turn', request.codex_turn_id),
        window: request.execution,
      }),
    ),
    ...Object.values(state.compactions).map((compaction) => {
      const at = compaction.installed_at_unix_ms;
      // The graph has no seq of the installation: it follows its last request.
      const after = compaction.request_ids.map(
        (id) => state.compaction_requests[id]?.execution.ended_seq ?? 0,
      );
      const turn = state.codex_turns[compaction.codex_turn_id]?.execution.started_seq ?? 0;
      const seq = Math.max(turn, ...after);
      return makeSpan({
        kind: 'compaction',
        id: compaction.compaction_id,
        label: 'compaction',
        detail: `${compaction.input_item_ids.length} items became ${compaction.replacement_item_ids.length}`,
        threadId: compaction.thread_id,
        turnId: compaction.codex_turn_id,
        parentSpanId: spanIdOf('turn', compaction.codex_turn_id),
        window: {
          started_at_unix_ms: at,
          started_seq: seq,
          ended_at_unix_ms: at,
          ended_seq: seq,
          status: 'completed',
        },
      });
    }),
  ];
}

function firstLine(source: string): string | null {
  const line = source.split('\n').find((each) => each.trim() !== '');
  return line === undefined ? null : line.trim();
}
