import { clockMs } from '../clock.js';
import {
  NativeEventKind,
  type NativeEngineOptions,
  type NativeEventHandler,
  type NativeAddon,
  type NativeCellOptions,
  type NativeEnd,
  type NativeEngine,
  type NativeToolManifest,
  type NativeValueStore,
} from './addon.js';

/** What the addon's file exports: native/addon/. The rest of `NativeAddon` is as it is there. */
export interface Binding extends Omit<NativeAddon, 'createEngine'> {
  createEngine(
    options: NativeEngineOptions,
    onEvents: (count: number, texts: unknown[]) => void,
  ): BindingEngine;
}

interface BindingEngine extends Omit<NativeEngine, 'start'> {
  /** Starts a cell with the options that lie in `numbers`. */
  start(cell: number, source: string, manifest: unknown, store: unknown): void;
  /**
   * Numbers cross here, without a call each: a cell's options, then the events of a batch, then its ends. The layout
   * is that of native/addon/engine_object.cc.
   */
  readonly numbers: Float64Array;
}

/** A manifest or value store as the addon made it. */
interface WithHandle {
  readonly handle: unknown;
}

const EVENTS_FROM = 16;
const NUMBERS_PER_EVENT = 4;
const EVENTS_AT_MOST = 512;
const ENDS_FROM = EVENTS_FROM + NUMBERS_PER_EVENT * EVENTS_AT_MOST;
const NUMBERS_PER_END = 9;
const STATUSES = ['completed', 'failed', 'terminated'] as const;

type EndDetails = Omit<NativeEnd, 'status'>;

/** The addon with an engine that takes and gives objects. */
export function wrapBinding(binding: Binding): NativeAddon {
  const { isMainThread, nodeAbi, v8Version } = binding;
  return {
    isMainThread,
    nodeAbi,
    v8Version,
    setExitCode: (code) => binding.setExitCode(code),
    createManifest: (tools) => binding.createManifest(tools),
    createValueStore: () => binding.createValueStore(),
    createEngine: (options, onEvent, onBatchEnd) => createEngine(binding, options, onEvent, onBatchEnd),
  };
}

function createEngine(
  binding: Binding,
  options: NativeEngineOptions,
  onEvent: NativeEventHandler,
  onBatchEnd: (() => void) | undefined,
): NativeEngine {
  const inner = binding.createEngine(options, (count, texts) => {
    readEvents(numbers, count, texts, onEvent);
    onBatchEnd?.();
  });
  const { numbers } = inner;
  return {
    start: (cell, source, manifest, store, cellOptions) => {
      writeOptions(numbers, cellOptions);
      inner.start(cell, source, handleOf(manifest), handleOf(store));
    },
    resolve: inner.resolve,
    reject: inner.reject,
    stop: inner.stop,
    stats: inner.stats,
    pause: inner.pause,
    close: inner.close,
  };
}

function handleOf(owner: NativeToolManifest | NativeValueStore): unknown {
  return (owner as unknown as WithHandle).handle;
}

function writeOptions(numbers: Float64Array, options: NativeCellOptions): void {
  numbers[0] = options.profile === 'codex' ? 1 : 0;
  numbers[1] = options.remoteImages ? 1 : 0;
  numbers[2] = options.heapMb;
  numbers[3] = options.cpuMs;
  numbers[4] = options.wallMs;
  numbers[5] = options.idleMs;
  numbers[6] = options.pauseWallWhileWaiting ? 1 : 0;
  numbers[7] = options.outputBytes;
  numbers[8] = options.outputItems;
  numbers[9] = options.toolCalls;
  numbers[10] = options.toolInputBytes;
  numbers[11] = options.storedBytes;
}

/** Hands over a batch: numbers from the array, texts in their order. */
function readEvents(
  numbers: Float64Array,
  count: number,
  texts: unknown[],
  onEvent: NativeEventHandler,
): void {
  const at = clockMs();
  let text = 0;
  let ends = 0;
  for (let i = 0; i < count; i++) {
    const from = EVENTS_FROM + i * NUMBERS_PER_EVENT;
    const kind = numbers[from] as NativeEventKind;
    const cell = numbers[from + 1] as number;
    switch (kind) {
      case NativeEventKind.Text:
      case NativeEventKind.Audio:
      case NativeEventKind.Notify:
        onEvent(kind, cell, texts[text++], undefined, numbers[from + 2], at);
        break;
      case NativeEventKind.Image:
        onEvent(kind, cell, texts[text++], texts[text++], numbers[from + 2], at);
        break;
      case NativeEventKind.ToolCall: {
        const tool = numbers[from + 3] as number;
        const hasInput = tool > 0;
        const input = hasInput ? texts[text++] : undefined;
        onEvent(kind, cell, numbers[from + 2], Math.abs(tool) - 1, input, at);
        break;
      }
      case NativeEventKind.Ended: {
        const end = readEnd(numbers, ends++, texts[text++] as EndDetails | undefined);
        onEvent(kind, cell, end, undefined, undefined, at);
        break;
      }
      case NativeEventKind.Started:
      case NativeEventKind.Yield:
        onEvent(kind, cell, undefined, undefined, undefined, at);
        break;
    }
  }
}

function readEnd(numbers: Float64Array, index: number, details: EndDetails | undefined): NativeEnd {
  const from = ENDS_FROM + index * NUMBERS_PER_END;
  const end: NativeEnd = {
    status: STATUSES[numbers[from] as number]!,
    queueMs: numbers[from + 1]!,
    startMs: numbers[from + 2]!,
    compileMs: numbers[from + 3]!,
    runMs: numbers[from + 4]!,
    wallMs: numbers[from + 5]!,
    cpuMs: numbers[from + 6]!,
    heapUsedBytes: numbers[from + 7]!,
    outputBytes: numbers[from + 8]!,
    quarantined: false,
    diagnostics: [],
  };
  if (details === undefined) end.unansweredCalls = [];
  else Object.assign(end, details);
  return end;
}
