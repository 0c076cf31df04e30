import type { NativeToolEntry, NativeToolManifest } from '../native/addon.js';
import type { EngineValues } from './engine.js';

/** A session's tools, to be sent to each host process that runs cells of the session. */
export class RemoteManifest implements NativeToolManifest {
  readonly id: number;
  readonly toolCount: number;
  readonly json: string;

  constructor(id: number, tools: NativeToolEntry[]) {
    this.id = id;
    this.toolCount = tools.length;
    this.json = JSON.stringify(tools);
  }
}

/** A session's committed stored values: what counts, whatever happens to host processes. */
export class RemoteValues implements EngineValues {
  readonly id: number;
  readonly #values = new Map<string, string>();
  #commits = 0;

  constructor(id: number) {
    this.id = id;
  }

  set(key: string, json: string): number {
    this.#values.set(key, json);
    return ++this.#commits;
  }

  entries(): [string, string][] {
    return [...this.#values];
  }
}
