import {
  NativeEventKind,
  type NativeAddon,
  type NativeCellOptions,
  type NativeEnd,
  type NativeEngine,
  type NativeEngineStats,
  type NativeToolEntry,
  type NativeToolManifest,
  type NativeValueStore,
  noRun,
} from '../native/addon.js';
import type { EngineOptions } from './engine.js';

/** What a front end is told. */
export interface HostCoreListener {
  onEvent: (kind: NativeEventKind, cell: number, a: unknown, b: unknown, c: unknown) => void;
  /** Values that cells have committed; before the end of the cell that did. */
  onValues: (valuesId: number, pairs: [string, string][]) => void;
  /** After each batch of events. */
  onBatchEnd: (cellsEnded: boolean) => void;
}

interface CoreValues {
  store: NativeValueStore;
  /** What was committed up to this number has been told. */
  toldVersion: number;
  /** Later commits that came from the parent, which need not be told back. */
  givenVersions: Set<number>;
}

/**
 * The cells of a host process, whatever protocol is spoken with it: an engine of the addon, and the tool sets and stored
 * values that its cells use, under ids that the other side chose.
 */
export class HostCore {
  readonly #engine: NativeEngine;
  readonly #addon: NativeAddon;
  readonly #listener: HostCoreListener;
  readonly #manifests = new Map<number, NativeToolManifest>();
  readonly #values = new Map<number, CoreValues>();
  /** The values of each live cell. */
  readonly #cellValues = new Map<number, number>();
  /** In the batch that is being handled. */
  #cellsEnded = false;

  constructor(addon: NativeAddon, options: EngineOptions, listener: HostCoreListener) {
    this.#addon = addon;
    this.#listener = listener;
    this.#engine = addon.createEngine(
      options,
      (kind, cell, a, b, c) => this.#handleEvent(kind, cell, a, b, c),
      () => this.#handleBatchEnd(),
    );
  }

  createManifest(id: number, tools: NativeToolEntry[]): void {
    this.#manifests.set(id, this.#addon.createManifest(tools));
  }

  setValues(id: number, pairs: [string, string][]): void {
    let values = this.#values.get(id);
    const isNew = values === undefined;
    if (values === undefined) {
      values = { store: this.#addon.createValueStore(), toldVersion: 0, givenVersions: new Set() };
      this.#values.set(id, values);
    }
    for (const [key, json] of pairs) {
      const version = values.store.set(key, json);
      // Before the first cell nobody else commits.
      if (isNew) values.toldVersion = version;
      else values.givenVersions.add(version);
    }
  }

  start(
    cell: number,
    source: string,
    manifestId: number,
    valuesId: number,
    options: NativeCellOptions,
  ): void {
    const manifest = this.#manifests.get(manifestId);
    const values = this.#values.get(valuesId);
    try {
      if (manifest === undefined || values === undefined) throw new Error('its session is not known');
      this.#cellValues.set(cell, valuesId);
      this.#engine.start(cell, source, manifest, values.store, options);
    } catch (error) {
      this.#cellValues.delete(cell);
      const reason = error instanceof Error ? error.message : String(error);
      this.#listener.onEvent(NativeEventKind.Ended, cell, refusedEnd(reason), undefined, undefined);
      this.#listener.onBatchEnd(true);
    }
  }

  resolve(...answer: Parameters<NativeEngine['resolve']>): void {
    this.#engine.resolve(...answer);
  }

  reject(...answer: Parameters<NativeEngine['reject']>): void {
    this.#engine.reject(...answer);
  }

  stop(...verdict: Parameters<NativeEngine['stop']>): void {
    this.#engine.stop(...verdict);
  }

  release(manifestId: number, valuesId: number): void {
    this.#manifests.delete(manifestId);
    this.#values.delete(valuesId);
  }

  stats(): NativeEngineStats {
    return this.#engine.stats();
  }

  /** Holds events back, or lets them come again. */
  pause(paused: boolean): void {
    this.#engine.pause(paused);
  }

  #handleEvent(kind: NativeEventKind, cell: number, a: unknown, b: unknown, c: unknown): void {
    if (kind === NativeEventKind.Ended) {
      this.#cellsEnded = true;
      this.#tellValues(cell);
    }
    this.#listener.onEvent(kind, cell, a, b, c);
  }

  #handleBatchEnd(): void {
    const cellsEnded = this.#cellsEnded;
    this.#cellsEnded = false;
    this.#listener.onBatchEnd(cellsEnded);
  }

  #tellValues(cell: number): void {
    const id = this.#cellValues.get(cell);
    this.#cellValues.delete(cell);
    const values = id === undefined ? undefined : this.#values.get(id);
    if (id === undefined || values === undefined) return;
    const { version, changes } = values.store.changesSince(values.toldVersion);
    if (version === values.toldVersion) return;
    values.toldVersion = version;
    const news = changes.filter(([, , commit]) => !values.givenVersions.has(commit));
    values.givenVersions.clear();
    if (news.length > 0)
      this.#listener.onValues(
        id,
        news.map(([key, json]) => [key, json]),
      );
  }
}

function refusedEnd(reason: string): NativeEnd {
  const message = `the cell could not be started: ${reason}`;
  return {
    status: 'failed',
    code: 'ISOLATE_UNAVAILABLE',
    message,
    quarantined: false,
    diagnostics: [],
    ...noRun,
  };
}
