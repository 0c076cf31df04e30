import { TraceProblem } from './errors.js';
import type { EventOfType } from './events.js';
import type { TraceGraph } from './graph.js';
import { isObject, type JsonObject } from './json-text.js';

export function startThread(graph: TraceGraph, payload: EventOfType<'thread_started'>): void {
  const id = payload.thread_id;
  if (graph.threads.has(id)) throw new TraceProblem('DUPLICATE_START', `the thread ${id} was started twice`);
  const { thread } = graph.addThread(id, payload.agent_path);
  const reference = payload.metadata_payload;
  if (reference === null) return;
  const metadata = graph.readPayload(reference).value;
  if (!isObject(metadata)) {
    throw new TraceProblem(
      'PAYLOAD',
      `the metadata ${reference.raw_payload_id} of thread ${id} is not an object`,
    );
  }
  const text = (source: JsonObject, name: string): string | null => {
    const member = source[name] ?? null;
    if (member === null || typeof member === 'string') return member;
    throw new TraceProblem(
      'PAYLOAD',
      `the metadata ${reference.raw_payload_id} has a ${name} that is no string`,
    );
  };
  thread.nickname = text(metadata, 'nickname');
  thread.default_model = text(metadata, 'model');
  const agentPath = text(metadata, 'agent_path');
  const taskName = text(metadata, 'task_name');
  const agentRole = text(metadata, 'agent_role');
  const spawn = spawnOf(metadata);
  const fromSpawn = (name: string): string | null => (typeof spawn?.[name] === 'string' ? spawn[name] : null);
  thread.agent_path = fromSpawn('agent_path') ?? agentPath ?? payload.agent_path;
  const parent = fromSpawn('parent_thread_id');
  if (parent === null) return;
  thread.origin = {
    type: 'spawned',
    parent_thread_id: parent,
    spawn_edge_id: `edge:spawn:${parent}:${id}`,
    task_name:
      fromSpawn('task_name') ??
      taskName ??
      thread.agent_path
        .split('/')
        .filter((segment) => segment !== '')
        .at(-1) ??
      '',
    agent_role: fromSpawn('agent_role') ?? agentRole ?? '',
  };
}

/** How the thread was spawned, when another thread spawned it. */
function spawnOf(metadata: JsonObject): JsonObject | undefined {
  const source = metadata['session_source'];
  const subagent = isObject(source) ? source['subagent'] : undefined;
  const spawn = isObject(subagent) ? subagent['thread_spawn'] : undefined;
  return isObject(spawn) ? spawn : undefined;
}
