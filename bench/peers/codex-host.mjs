// The runtime of OpenAI Codex: codex-code-mode-host, a program that speaks length-prefixed JSON on its stdio.
import { spawn } from 'node:child_process';
import { codexHostProgram } from './cache.mjs';

export const name = 'codex-code-mode-host';

export async function open({ tools, execute }) {
  const host = new Host(await codexHostProgram(), execute);
  await host.hello();
  await host.request({ method: 'session/open', sessionId: 'bench' });
  const enabledTools = tools.map(({ name, description, inputSchema }) => ({
    name,
    tool_name: { name, namespace: null },
    description,
    kind: 'function',
    input_schema: inputSchema ?? null,
    output_schema: null,
  }));
  return {
    async exec(source) {
      const result = await host.execute({
        method: 'session/execute',
        sessionId: 'bench',
        request: {
          tool_call_id: 'call',
          enabled_tools: enabledTools,
          source,
          yield_time_ms: 300_000,
          max_output_tokens: null,
        },
      });
      if (result.Result === undefined || result.Result.error_text !== null)
        throw new Error(JSON.stringify(result));
      return result.Result.content_items.map((item) => item.text);
    },
    close: () => host.close(),
  };
}

export class Host {
  #child;
  #execute;
  #chunks = [];
  #buffered = 0;
  #ready;
  #lastId = 0;
  #requests = new Map();
  #executions = new Map();

  constructor(program, execute) {
    this.#execute = execute;
    this.#child = spawn(program, [], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child.stdout.on('data', (chunk) => this.#read(chunk));
    this.#child.on('exit', (code, signal) => {
      const error = new Error(`codex-code-mode-host ended with ${signal ?? `status ${code}`}`);
      for (const { reject } of [...this.#requests.values(), ...this.#executions.values()]) reject(error);
    });
  }

  /** The process id of the host. */
  get pid() {
    return this.#child.pid;
  }

  hello() {
    return new Promise((resolve) => {
      this.#ready = resolve;
      this.#send({
        type: 'connection/hello',
        supportedVersions: [1],
        requiredCapabilities: [],
        optionalCapabilities: [],
      });
    });
  }

  request(request) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { resolve, reject });
      this.#send({ type: 'operation/request', id, request });
    });
  }

  /** Gives the execution's first observation. */
  execute(request) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#executions.set(id, { resolve, reject });
      this.#send({ type: 'operation/request', id, request });
    });
  }

  close() {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    return exited;
  }

  #send(message) {
    const json = Buffer.from(JSON.stringify(message));
    const head = Buffer.alloc(4);
    head.writeUInt32LE(json.length);
    this.#child.stdin.cork();
    this.#child.stdin.write(head);
    this.#child.stdin.write(json);
    process.nextTick(() => this.#child.stdin.uncork());
  }

  #read(chunk) {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    while (this.#buffered >= 4) {
      if (this.#chunks[0].length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
      const length = this.#chunks[0].readUInt32LE();
      if (this.#buffered < 4 + length) return;
      const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
      this.#chunks = all.length > 4 + length ? [all.subarray(4 + length)] : [];
      this.#buffered -= 4 + length;
      this.#handle(JSON.parse(all.toString('utf8', 4, 4 + length)));
    }
  }

  #handle(message) {
    if (message.type === 'delegate/request') return void this.#answer(message);
    if (message.type === 'connection/ready') return this.#ready();
    const settle = (waiting) => {
      waiting.delete(message.id);
      return message.result.status === 'ok' ? 'resolve' : 'reject';
    };
    if (message.type === 'execute/initialResponse') {
      const execution = this.#executions.get(message.id);
      execution[settle(this.#executions)](message.result.value ?? new Error(message.result.message));
    } else if (message.type === 'operation/response') {
      const request = this.#requests.get(message.id);
      if (request !== undefined)
        request[settle(this.#requests)](message.result.value ?? new Error(message.result.message));
      else if (message.result.status !== 'ok')
        this.#executions.get(message.id)?.reject(new Error(message.result.message));
    }
  }

  async #answer({ id, request }) {
    if (request.type !== 'tool/invoke') throw new Error(`unexpected request ${request.type}`);
    const result = await this.#execute(request.invocation.input, request.invocation.tool_name.name);
    this.#send({
      type: 'delegate/response',
      id,
      result: { status: 'ok', value: { type: 'tool/result', result } },
    });
  }
}
