import { withoutExecHeader } from '../../trace/analysis/index.js';

const commandHeader =
  /^(?:Chunk ID: [^\n]*\n|Exit code: 0\n)?Wall time: [^\n]*\n(?:(Process running[^\n]*)\n|Process [^\n]*\n)?(?:Original token count: [^\n]*\n)?(?:Total output lines: [^\n]*\n)?Output:\n?/;

/** Output without the header that the model gets in front of it; that a process goes on running stays. */
export function withoutOutputHeader(text: string): string {
  const plain = withoutExecHeader(text);
  return plain.replace(commandHeader, (_header: string, running: string | undefined) =>
    running === undefined ? '' : `(${running})\n`,
  );
}

const agentHeader = /^Message Type: ([^\n]*)\nTask name: [^\n]*\nSender: [^\n]*\nPayload:\n?/;

/** A message between agents without its header; its type stays. */
export function withoutAgentHeader(text: string): string {
  return text.replace(agentHeader, (_header: string, type: string) => `(${type}) `);
}
