import type { ToolCall, TraceState } from '../state.js';

/** The name by which a person knows the tool: `exec`, `mcp__lab.echo`, `exec_command`. */
export function toolName({ kind, summary }: ToolCall): string {
  if (summary.type === 'generic' && summary.label !== '') return summary.label;
  if (kind.type === 'other') return kind.name;
  if (kind.type === 'mcp') return `${kind.server}.${kind.tool}`;
  return kind.type;
}

/** What a call was about, in one line: the command, what was typed, the input. Null when nothing is known. */
export function toolDetail(state: TraceState, call: ToolCall): string | null {
  const { summary, terminal_operation_id: operationId } = call;
  const request = operationId === null ? undefined : state.terminal_operations[operationId]?.request;
  if (request?.type === 'exec_command') return commandLine(request.command, request.display_command);
  if (request?.type === 'write_stdin') return request.stdin === '' ? 'poll' : JSON.stringify(request.stdin);
  switch (summary.type) {
    case 'generic':
      return summary.input_preview;
    case 'agent':
      return `${summary.target_agent_path} ${summary.message_preview}`;
    case 'wait_agent':
      return summary.target_agent_path;
    case 'terminal':
      return null;
  }
}

/** What was given to a shell, without the shell. */
export function commandLine(command: readonly string[], display: string): string {
  const [shell = '', flag = '', script] = command;
  const isShell = /(?:^|\/)(?:ba|da|z|k)?sh$/.test(shell) && /^-\w*c$/.test(flag) && command.length === 3;
  return isShell && script !== undefined ? script : display;
}
