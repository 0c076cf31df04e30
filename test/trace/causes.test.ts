import { describe, expect, test } from 'vitest';
import {
  causalChain,
  findEntities,
  nearIds,
  reduceBundle,
  shortIds,
  type EntityKind,
  type TraceState,
} from '../../lib/trace/index.js';
import { BundleBuilder } from './bundle-builder.js';
import { corpusNote, hasCorpus, realBundles } from './corpus.js';
import { failedSession, spawningSession } from './failed-session.js';

async function failed(): Promise<TraceState> {
  return (await reduceBundle(failedSession(new BundleBuilder()).write())).state;
}

function chainOf(state: TraceState, kind: EntityKind, id: string): string[] {
  const { hops, end } = causalChain(state, { kind, id });
  return [...hops.map(({ entity, cause }) => `${entity.id}${cause === null ? '' : ` ${cause}`}`), end];
}

const fromExec = [
  'code_cell:call_exec was started by',
  'call_exec was asked for by',
  'conversation_item:2 was written by',
  'ask',
  'model_call',
];

describe('a causal chain', () => {
  test('leads from a nested call over its cell to the model call', async () => {
    expect(chainOf(await failed(), 'tool_call', 'nested-1')).toEqual(['nested-1 was called by', ...fromExec]);
  });

  test('leads from the output of an exec over the cell', async () => {
    expect(chainOf(await failed(), 'item', 'conversation_item:3')).toEqual([
      'conversation_item:3 is output of',
      ...fromExec,
    ]);
  });

  test('leads from what a wait gave over the wait to the cell, and names who asked for the wait', async () => {
    const state = await failed();
    expect(chainOf(state, 'item', 'conversation_item:5')).toEqual([
      'conversation_item:5 is output of',
      'call_wait handed over output of',
      ...fromExec,
    ]);
    const { hops } = causalChain(state, { kind: 'item', id: 'conversation_item:5' });
    expect(hops[1]?.also).toContainEqual({
      relation: 'was asked for by',
      entity: { kind: 'inference', id: 'ask-again' },
    });
  });

  test('leads from a wait itself to the model call that asked for it', async () => {
    const state = await failed();
    expect(chainOf(state, 'tool_call', 'call_wait')).toEqual([
      'call_wait was asked for by',
      'conversation_item:4 was written by',
      'ask-again',
      'model_call',
    ]);
    expect(causalChain(state, { kind: 'tool_call', id: 'call_wait' }).hops[0]?.also).toEqual([
      { relation: 'waits on', entity: { kind: 'code_cell', id: 'code_cell:call_exec' } },
    ]);
  });

  test('leads from a payload to what it was recorded for', async () => {
    expect(chainOf(await failed(), 'payload', 'raw_payload:8')).toEqual([
      'raw_payload:8 is the result of',
      'nested-1 was called by',
      ...fromExec,
    ]);
  });

  test('ends outside at a message of the user', async () => {
    expect(chainOf(await failed(), 'item', 'conversation_item:1')).toEqual([
      'conversation_item:1',
      'outside',
    ]);
    expect(chainOf(await failed(), 'turn', 'turn')).toEqual([
      'turn answers',
      'conversation_item:1',
      'outside',
    ]);
  });

  test('tells of each hop what it is, when, the seq and the payloads', async () => {
    const { hops } = causalChain(await failed(), { kind: 'tool_call', id: 'nested-1' });
    expect(hops[0]).toMatchObject({
      title: 'nested call of shop.look_up',
      detail: '{"fruit":"plum"}',
      atMs: 1007,
      seq: 7,
      status: 'failed',
      payloads: [{ role: 'result', rawPayloadId: 'raw_payload:8', path: 'payloads/8.json' }],
    });
    expect(hops.at(-1)).toMatchObject({ title: 'model call of model', seq: 3, atMs: 1003 });
  });

  test('leads from the thread of an agent to the thread it was spawned in', async () => {
    const { state } = await reduceBundle(spawningSession(new BundleBuilder()).write());
    expect(chainOf(state, 'thread', 'child')).toEqual(['child was spawned in', 'main', 'outside']);
  });

  test('ends when things name each other as their cause', async () => {
    const state = await failed();
    state.tool_calls['call_exec']!.requester = { type: 'code_cell', code_cell_id: 'code_cell:call_exec' };
    expect(chainOf(state, 'tool_call', 'call_exec')).toEqual([
      'call_exec was called by',
      'code_cell:call_exec',
      'unknown',
    ]);
  });
});

describe.skipIf(!hasCorpus)(`causal chains of recorded bundles${corpusNote}`, () => {
  test('lead from the result of an agent to the model call in its thread', async () => {
    const bundle = realBundles().find(({ name }) => name.startsWith('agents-v2-spawn-result/'))!;
    const { state } = await reduceBundle(bundle.path);
    const { hops, end } = causalChain(state, { kind: 'item', id: 'conversation_item:9' });
    expect(hops.map(({ entity }) => entity.kind)).toEqual(['item', 'interaction', 'item', 'inference']);
    expect(end).toBe('model_call');
    const child = Object.values(state.threads).find(({ origin }) => origin.type === 'spawned')!;
    const spawned = causalChain(state, { kind: 'thread', id: child.thread_id });
    expect(spawned.hops.map(({ entity }) => entity.kind)).toEqual([
      'thread',
      'interaction',
      'tool_call',
      'item',
      'inference',
    ]);
  });

  test('lead from a terminal to the model call', async () => {
    const bundle = realBundles().find(({ name }) => name.startsWith('direct-terminal-poll/'))!;
    const { state } = await reduceBundle(bundle.path);
    const [id] = Object.keys(state.terminal_sessions);
    const { hops, end } = causalChain(state, { kind: 'terminal', id: id! });
    expect(hops.map(({ entity }) => entity.kind)).toEqual([
      'terminal',
      'terminal_operation',
      'tool_call',
      'item',
      'inference',
    ]);
    expect(end).toBe('model_call');
  });
});

describe('names of things', () => {
  test('are ids, call ids, runtime ids and beginnings of ids', async () => {
    const state = await failed();
    const found = (name: string) => findEntities(state, name).map(({ kind, id }) => `${kind} ${id}`);
    expect(found('call_exec')).toEqual(['tool_call call_exec']);
    expect(found('code_cell:call_exec')).toEqual(['code_cell code_cell:call_exec']);
    expect(found('tool-1')).toEqual(['tool_call nested-1']);
    expect(found('cell 1')).toEqual(['code_cell code_cell:call_exec']);
    expect(found('payloads/8.json')).toEqual(['payload raw_payload:8']);
    expect(found('neste')).toEqual(['tool_call nested-1']);
    expect(found('nes')).toEqual([]);
    expect(found('call_')).toEqual(['tool_call call_exec', 'tool_call call_wait']);
    expect(found('__proto__')).toEqual([]);
  });

  test('that are wrong have near ones', async () => {
    const state = await failed();
    expect(nearIds(state, 'call_exce')).toEqual(['call_exec']);
    expect(nearIds(state, 'exec')).toContain('call_exec');
    expect(nearIds(state, 'entirely different')).toEqual([]);
  });

  test('are shortened when they hold a UUID, and name one thing still', async () => {
    const ids = [
      'exec-9540ecd4-5b41-41fc-b3a5-77af1342353f',
      'exec-9540ecd4-5b41-41fc-b3a5-77af1342353e',
      'exec-36c17a10-cda1-4502-9cad-107252e9a615',
      'call_1',
    ];
    const builder = new BundleBuilder().begin();
    for (const id of ids) builder.tool(id);
    const { state } = await reduceBundle(builder.write());
    const short = shortIds(state);
    expect(ids.map((id) => short.get(id))).toEqual([ids[0], ids[1], 'exec-36c17a10', 'call_1']);
    for (const id of ids) expect(findEntities(state, short.get(id)!)).toEqual([{ kind: 'tool_call', id }]);
  });
});
