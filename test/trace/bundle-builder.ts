import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { PayloadReference } from '../../lib/trace/index.js';

type Fields = Record<string, unknown>;

/** Makes small bundles: events with their seq and times filled in, and payload files. */
export class BundleBuilder {
  readonly events: Fields[] = [];
  readonly payloads: string[] = [];
  readonly manifest: Fields = {
    schema_version: 2,
    trace_id: 'trace',
    rollout_id: 'rollout',
    root_thread_id: 'main',
    started_at_unix_ms: 1000,
    raw_event_log: 'trace.jsonl',
    payloads_dir: 'payloads',
  };

  payload(kind: string, value: unknown, path?: string): PayloadReference {
    this.payloads.push(typeof value === 'string' ? value : JSON.stringify(value));
    const number = this.payloads.length;
    return {
      raw_payload_id: `raw_payload:${number}`,
      kind: { type: kind },
      path: path ?? `payloads/${number}.json`,
    };
  }

  /** An event of thread `main` in turn `turn`, unless `context` says otherwise. */
  event(type: string, fields: Fields = {}, context: Fields = {}): this {
    const seq = this.events.length + 1;
    this.events.push({
      schema_version: this.manifest['schema_version'],
      seq,
      wall_time_unix_ms: 1000 + seq,
      rollout_id: 'rollout',
      thread_id: 'main',
      codex_turn_id: 'turn',
      ...context,
      payload: { type, ...fields },
    });
    return this;
  }

  begin(): this {
    this.event('thread_started', { thread_id: 'main', agent_path: '/root' });
    return this.event('codex_turn_started', { codex_turn_id: 'turn', thread_id: 'main' });
  }

  request(id: string, input: unknown[], more: Fields = {}): this {
    return this.event('inference_started', {
      inference_call_id: id,
      thread_id: 'main',
      codex_turn_id: 'turn',
      model: 'model',
      provider_name: 'provider',
      request_payload: this.payload('inference_request', { input, ...more }),
    });
  }

  response(id: string, items: unknown[], responseId: string | null = null): this {
    return this.event('inference_completed', {
      inference_call_id: id,
      response_id: responseId,
      response_payload: this.payload('inference_response', { output_items: items }),
    });
  }

  tool(id: string, fields: Fields = {}): this {
    return this.event('tool_call_started', {
      tool_call_id: id,
      model_visible_call_id: id,
      requester: { type: 'model' },
      kind: { type: 'other', name: 'tool' },
      summary: { type: 'generic', label: 'tool' },
      ...fields,
    });
  }

  wait(id: string, commandArguments: string): this {
    return this.tool(id, {
      kind: { type: 'other', name: 'wait' },
      invocation_payload: this.payload('tool_invocation', {
        tool_name: 'wait',
        tool_namespace: null,
        payload: { type: 'function', arguments: commandArguments },
      }),
    });
  }

  endTool(id: string, status = 'completed'): this {
    return this.event('tool_call_ended', { tool_call_id: id, status });
  }

  cell(runtimeCellId: string, callId: string): this {
    return this.event('code_cell_started', {
      runtime_cell_id: runtimeCellId,
      model_visible_call_id: callId,
      source_js: 'text(1)',
    });
  }

  /** Writes the bundle into a folder of its own, which the end of the test removes. */
  write(log = this.log()): string {
    const folder = mkdtempSync(join(tmpdir(), 'codecell-trace-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    this.writeTo(folder, log);
    return folder;
  }

  writeTo(folder: string, log = this.log()): void {
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(this.manifest));
    writeFileSync(join(folder, 'trace.jsonl'), log);
    this.payloads.forEach((text, index) => {
      const file = join(folder, 'payloads', `${index + 1}.json`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    });
  }

  log(): string {
    return this.events.map((event) => `${JSON.stringify(event)}\n`).join('');
  }
}

export function message(text: string, role = 'user', id?: string): Fields {
  return {
    type: 'message',
    role,
    content: [{ type: 'input_text', text }],
    ...(id === undefined ? {} : { id }),
  };
}

export function execCall(callId: string): Fields {
  return { type: 'custom_tool_call', call_id: callId, name: 'exec', input: 'text(1)' };
}

export function execOutput(callId: string, output: unknown): Fields {
  return { type: 'custom_tool_call_output', call_id: callId, output };
}
