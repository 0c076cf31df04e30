import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { TraceError, TraceProblem, type TraceDiagnostic } from './errors.js';
import { payloadReferences, readEvent } from './events.js';
import { isObject } from './json-text.js';
import { TraceReducer, type TraceManifest } from './reducer.js';
import type { TraceState } from './state.js';

export interface ReduceOptions {
  /**
   * Refuse what the format refuses, and give exactly the state that the format defines (default false: go on, list
   * what is wrong in `diagnostics` and add `extensions` to the state).
   */
  strict?: boolean;
}

export interface ReducedBundle {
  state: TraceState;
  /** In the order of the log. */
  diagnostics: TraceDiagnostic[];
}

const manifestName = 'manifest.json';
const logName = 'trace.jsonl';
/** Lines that are read ahead together, so that their payloads can be fetched at once. */
const batchLines = 64;

/**
 * Reduces the trace bundle in a folder to its state graph. Reads the folder only; never follows a payload path out
 * of it.
 *
 * @throws TraceError when the path is no folder, and in strict mode for everything the format refuses.
 */
export async function reduceBundle(path: string, options: ReduceOptions = {}): Promise<ReducedBundle> {
  const { strict = false } = options;
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new TraceError('MANIFEST', `there is no bundle folder at ${path}`);
  const problems: TraceProblem[] = [];
  const manifest = await readManifest(path, strict, problems);
  const payloads = new BundlePayloads(path);
  const reducer = new TraceReducer({
    manifest,
    readPayload: (reference) => payloads.get(reference.path),
    strict,
  });
  for (const problem of problems) reducer.reject(problem);
  for await (const lines of readLines(join(path, logName), strict, reducer)) {
    const events = lines.map((line) => ({ ...line, ...parseLine(line.text) }));
    await payloads.prefetch(events.flatMap((event) => referencedPaths(event.value)));
    for (const event of events) {
      const position = { line: event.line, terminated: event.terminated };
      if (event.problem === undefined) reducer.push(event.value, position);
      else reducer.reject(event.terminated ? event.problem : tornLine(event.problem), position);
    }
    payloads.forget();
  }
  return { state: reducer.state(), diagnostics: [...reducer.diagnostics] };
}

function tornLine(problem: TraceProblem): TraceProblem {
  return new TraceProblem('TORN_LINE', `the last line is cut off: ${problem.message}`);
}

const manifestTexts = ['trace_id', 'rollout_id', 'root_thread_id', 'raw_event_log', 'payloads_dir'] as const;

function checkManifest(value: unknown): TraceManifest {
  const fail = (reason: string): never => {
    throw new TraceProblem('MANIFEST', `${manifestName} ${reason}`);
  };
  if (!isObject(value)) return fail('is not an object');
  for (const name of manifestTexts) if (typeof value[name] !== 'string') fail(`has no ${name}`);
  for (const name of ['schema_version', 'started_at_unix_ms']) {
    if (!Number.isInteger(value[name])) fail(`has no ${name}`);
  }
  return value as unknown as TraceManifest;
}

async function readManifest(path: string, strict: boolean, problems: TraceProblem[]): Promise<TraceManifest> {
  try {
    const text = await readFile(join(path, manifestName), 'utf8').catch((error: unknown) => {
      throw new TraceProblem('MANIFEST', `${manifestName} cannot be read: ${describe(error)}`);
    });
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new TraceProblem('MANIFEST', `${manifestName} is not JSON: ${describe(error)}`);
    }
    return checkManifest(value);
  } catch (error) {
    if (!(error instanceof TraceProblem)) throw error;
    if (strict) throw new TraceError(error.problem, error.message);
    problems.push(error);
    return await manifestFromLog(path);
  }
}

/** What the first event tells, for a bundle without a manifest. */
async function manifestFromLog(path: string): Promise<TraceManifest> {
  const manifest: TraceManifest = {
    schema_version: 2,
    trace_id: '',
    rollout_id: '',
    root_thread_id: '',
    started_at_unix_ms: 0,
    raw_event_log: logName,
    payloads_dir: 'payloads',
  };
  for await (const lines of readLines(join(path, logName), false, undefined)) {
    for (const line of lines) {
      const { value } = parseLine(line.text);
      if (!isObject(value) || typeof value['rollout_id'] !== 'string') continue;
      const { schema_version: version, wall_time_unix_ms: time } = value;
      return {
        ...manifest,
        rollout_id: value['rollout_id'],
        root_thread_id: value['rollout_id'],
        schema_version: version === 1 ? 1 : 2,
        started_at_unix_ms: typeof time === 'number' ? time : 0,
      };
    }
  }
  return manifest;
}

interface Line {
  text: string;
  /** One-based. */
  line: number;
  terminated: boolean;
}

/** The lines of the log, blank ones left out, in batches. */
async function* readLines(
  path: string,
  strict: boolean,
  reducer: TraceReducer | undefined,
): AsyncGenerator<Line[]> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: strict });
  let rest: string[] = [];
  let number = 0;
  let batch: Line[] = [];
  const add = (text: string, terminated: boolean): void => {
    number += 1;
    if (text.trim() !== '') batch.push({ text, line: number, terminated });
  };
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      const text = decodeChunk(decoder, chunk);
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        add(rest.join('') + text.slice(start, end), true);
        rest = [];
        start = end + 1;
        if (batch.length >= batchLines) {
          yield batch;
          batch = [];
        }
      }
      if (start < text.length) rest.push(text.slice(start));
    }
  } catch (error) {
    if (!isFileError(error)) throw error;
    reducer?.reject(new TraceProblem('LOG', `${logName} cannot be read: ${describe(error)}`));
  }
  const last = rest.join('') + decodeChunk(decoder);
  if (last !== '') add(last, false);
  if (batch.length > 0) yield batch;
}

/** Without a chunk: what is left of the last one. */
function decodeChunk(decoder: InstanceType<typeof TextDecoder>, chunk?: Buffer): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    throw new TraceError('LOG', `${logName} is not UTF-8`);
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

function describe(error: unknown): string {
  if (isFileError(error)) return error.code ?? error.message;
  return error instanceof Error ? error.message : String(error);
}

function parseLine(text: string): { value: unknown; problem?: TraceProblem } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { value: undefined, problem: new TraceProblem('LOG_LINE', `not JSON: ${describe(error)}`) };
  }
}

/** Paths of the payloads that a line refers to, as far as it can be read. */
function referencedPaths(value: unknown): string[] {
  try {
    const event = readEvent(value, true);
    return event.payload.type === null
      ? []
      : payloadReferences(event.payload).map((reference) => reference.path);
  } catch {
    return [];
  }
}

/** Payload files of one bundle. Their text is kept only as long as the events that refer to it are applied. */
export class BundlePayloads {
  readonly #folder: string;
  #root: Promise<string> | undefined;
  readonly #texts = new Map<string, string | TraceProblem>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads files so that `get` has them. */
  async prefetch(paths: readonly string[]): Promise<void> {
    await Promise.all(
      [...new Set(paths)].map(async (path) => {
        try {
          this.#texts.set(path, await this.#read(path));
        } catch (error) {
          if (!(error instanceof TraceProblem)) throw error;
          this.#texts.set(path, error);
        }
      }),
    );
  }

  /** @throws TraceProblem when the file could not be read or may not be. */
  get(path: string): string {
    const text = this.#texts.get(path);
    if (text === undefined) throw new TraceProblem('PAYLOAD', `the payload ${path} was not read`);
    if (typeof text === 'string') return text;
    throw text;
  }

  forget(): void {
    this.#texts.clear();
  }

  async #read(path: string): Promise<string> {
    if (isAbsolute(path) || path.split(/[\\/]/).includes('..') || path.includes('\0')) throw leaves(path);
    const file = join(this.#folder, path);
    try {
      this.#root ??= realpath(this.#folder);
      const [root, real] = await Promise.all([this.#root, realpath(file)]);
      const inside = relative(root, real);
      if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) throw leaves(path);
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(real));
    } catch (error) {
      if (error instanceof TraceProblem) throw error;
      throw new TraceProblem('PAYLOAD', `the payload ${path} cannot be read: ${describe(error)}`);
    }
  }
}

function leaves(path: string): TraceProblem {
  return new TraceProblem('PAYLOAD_PATH', `the payload path ${JSON.stringify(path)} leaves the bundle`);
}
