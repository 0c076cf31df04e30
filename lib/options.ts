import { CodeModeError } from './errors.js';
import {
  resolveHostProcessOptions,
  resolveIsolation,
  type HostProcessOptions,
  type Isolation,
  type ResolvedHostProcessOptions,
} from './host/options.js';
import { DEFAULT_LIMITS, resolveLimits, type Limits, type ResolvedLimits } from './limits.js';
import {
  abortSignal,
  callback,
  checkOptions,
  choice,
  describeValue,
  flag,
  invalidOption,
  readOptions,
  text,
  wholeNumber,
  yieldTime,
} from './option-reader.js';
import {
  ObserverHub,
  resolveObservers,
  resolveTrace,
  type SessionObserver,
  type TraceSource,
} from './observer.js';
import type { ContentItem } from './outcome.js';
import { storedValuesToJson } from './stored-values.js';
import type { InvokeTool, ToolDefinition } from './tools/definition.js';
import { resolveTools, type ToolSet } from './tools/tool-set.js';

/** `codex` behaves exactly as the Codex runtime; `default` is the same surface, kinder to the script's author. */
export type Profile = 'default' | 'codex';

/** `any` lets image() take http and https URLs, `data` only data: URLs. */
export type ImageUrls = 'any' | 'data';

export interface Notification {
  text: string;
  /** The `callId` given to the exec, if any. */
  callId: string | undefined;
  cellId: string;
  /** Fires when the cell was terminated or closed before the notification was answered. */
  signal: AbortSignal;
}

/** Delivers a notification. Awaited: the cell settles only when it was answered. A failure becomes a diagnostic. */
export type OnNotify = (notification: Notification) => unknown;

/** Sees each output item as it comes. Not awaited; a failure becomes a diagnostic. */
export type OnOutput = (item: ContentItem, context: { cellId: string }) => unknown;

export interface ServiceOptions {
  /** Isolates kept ready for the next exec, 0 to 256. Default 2. About 1 MB of memory each. */
  warmIsolates?: number | null | undefined;
  /** Cells that run at the same time, 1 to 4096; further ones are queued in order. Default 64. */
  maxCells?: number | null | undefined;
  /**
   * `limits.heapMb` of all cells that run, together, MiB; further cells are queued in order. A `heapMb` over it, or
   * without a bound, is refused with `INVALID_OPTION`. Default no bound.
   */
  maxHeapMb?: number | null | undefined;
  /** How long a thread may take to stop before it is quarantined, milliseconds, 1 to 600,000. Default 500. */
  quarantineMs?: number | null | undefined;
  /**
   * Leaves V8's loop unrolling on. It is turned off by default on Node 24 and later, for the whole process, because some
   * endless loops could not be stopped otherwise. Counts only as long as no service without it was made. Default false.
   */
  loopUnrolling?: boolean | null | undefined;
  /**
   * Tests once per process, while it is idle, that an optimized endless loop can be stopped; `stats().termination` has
   * the result. Default true.
   */
  terminationCheck?: boolean | null | undefined;
  /** Limits of every cell, unless a session or an exec has its own. */
  limits?: Limits | null | undefined;
  /** Profile of sessions that name none. Default `default`. */
  profile?: Profile | null | undefined;
  /** Image URLs of sessions that say nothing. Default `any`, with profile `codex` `data`. */
  imageUrls?: ImageUrls | null | undefined;
  /** Where cells run: `thread`, on threads of this process, or `process`, in host processes. Default `thread`. */
  isolation?: Isolation | null | undefined;
  /** How host processes are used, for `isolation: 'process'`. */
  hostProcess?: HostProcessOptions | null | undefined;
  /** See what every session does. */
  observers?: readonly SessionObserver[] | null | undefined;
}

/** A tool definition whatever its input and output types are. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- `unknown` would refuse typed `execute` functions
export type AnyToolDefinition = ToolDefinition<any, any>;

export interface SessionOptions {
  /** The nested tools. Default none. */
  tools?: readonly AnyToolDefinition[] | null | undefined;
  /** Serves the calls of tools without an `execute` of their own. */
  invokeTool?: InvokeTool | null | undefined;
  profile?: Profile | null | undefined;
  /** Stored values to begin with, as `session.storedValues()` gave them. Each must be JSON. */
  storedValues?: Readonly<Record<string, unknown>> | null | undefined;
  onNotify?: OnNotify | null | undefined;
  onOutput?: OnOutput | null | undefined;
  /** Limits of the session's cells, over those of the service. */
  limits?: Limits | null | undefined;
  imageUrls?: ImageUrls | null | undefined;
  /** Length of an exec's first observation, milliseconds; Infinity means until the end. Default 10,000. */
  yieldTimeMs?: number | null | undefined;
  /** See what this session does, after the observers of the service. */
  observers?: readonly SessionObserver[] | null | undefined;
  /** Records the session: a trace recorder, or one of its threads. */
  trace?: TraceSource | null | undefined;
}

export interface ExecOptions {
  /** The caller's own id for the exec; given to tools and notifications. Need not be unique. */
  callId?: string | null | undefined;
  /**
   * Length of the first observation, milliseconds. `0` returns at once, Infinity waits for the end. Default: the
   * session's. With profile `codex` 10,000 and more last a second longer.
   */
  yieldTimeMs?: number | null | undefined;
  /** Terminates the cell when it fires before the first observation ended. */
  signal?: AbortSignal | null | undefined;
  /** Limits of this cell, over those of the session. */
  limits?: Limits | null | undefined;
  /** Replaces the session's `onOutput` for this cell. */
  onOutput?: OnOutput | null | undefined;
}

export interface WaitOptions {
  /** The caller's own id for the wait; given to observers. */
  callId?: string | null | undefined;
  /** Length of the observation, milliseconds, as for exec. Default 10,000. */
  yieldTimeMs?: number | null | undefined;
  /** Terminates the cell instead of waiting for it. Default false. */
  terminate?: boolean | null | undefined;
  /** Ends this wait with `ABORTED`; the cell goes on and no output is lost. */
  signal?: AbortSignal | null | undefined;
}

export interface TerminateOptions {
  /** The caller's own id for the call; given to observers. */
  callId?: string | null | undefined;
  /** Ends this call with `ABORTED`; the cell is terminated all the same. */
  signal?: AbortSignal | null | undefined;
}

export interface ResolvedServiceOptions {
  warmIsolates: number;
  maxCells: number;
  /** 0 means no bound. */
  maxHeapMb: number;
  quarantineMs: number;
  loopUnrolling: boolean;
  terminationCheck: boolean;
  limits: ResolvedLimits;
  profile: Profile;
  imageUrls: ImageUrls | undefined;
  isolation: Isolation;
  hostProcess: ResolvedHostProcessOptions;
  observers: readonly SessionObserver[];
}

export interface ResolvedSessionOptions {
  toolSet: ToolSet;
  invokeTool: InvokeTool | undefined;
  profile: Profile;
  /** Key and JSON text. */
  storedValues: [string, string][];
  onNotify: OnNotify | undefined;
  onOutput: OnOutput | undefined;
  limits: ResolvedLimits;
  /** The service's; 0 means no bound. */
  maxHeapMb: number;
  remoteImages: boolean;
  yieldTimeMs: number;
  /** Those of an exec that gives none of its own. */
  exec: ResolvedExecOptions;
  /** Null when nobody observes. */
  observers: ObserverHub | null;
  /** Whether its cells are on the diagnostics channels. */
  isObserved: boolean;
}

export interface ResolvedExecOptions {
  callId: string | undefined;
  yieldTimeMs: number;
  signal: AbortSignal | undefined;
  limits: ResolvedLimits;
  onOutput: OnOutput | undefined;
}

export interface ResolvedWaitOptions {
  callId: string | undefined;
  yieldTimeMs: number;
  terminate: boolean;
  signal: AbortSignal | undefined;
}

export interface ResolvedTerminateOptions {
  callId: string | undefined;
  signal: AbortSignal | undefined;
}

const profiles: readonly Profile[] = ['default', 'codex'];
const imageUrlChoices: readonly ImageUrls[] = ['any', 'data'];

/** Length of an observation that nobody chose, milliseconds. */
export const DEFAULT_YIELD_TIME_MS = 10_000;

export function resolveServiceOptions(given: unknown): ResolvedServiceOptions {
  const where = 'CodeModeService options';
  const options = readOptions(given, where, [
    'warmIsolates',
    'maxCells',
    'maxHeapMb',
    'quarantineMs',
    'loopUnrolling',
    'terminationCheck',
    'limits',
    'profile',
    'imageUrls',
    'isolation',
    'hostProcess',
    'observers',
  ]);
  const maxHeapMb = unboundedOr(options['maxHeapMb'], (value) =>
    wholeNumber(value, 'maxHeapMb', 0, 1, 2 ** 40),
  );
  return {
    warmIsolates: wholeNumber(options['warmIsolates'], 'warmIsolates', 2, 0, 256),
    maxCells: wholeNumber(options['maxCells'], 'maxCells', 64, 1, 4096),
    quarantineMs: wholeNumber(options['quarantineMs'], 'quarantineMs', 500, 1, 600_000),
    maxHeapMb,
    loopUnrolling: flag(options['loopUnrolling'], 'loopUnrolling', false),
    terminationCheck: flag(options['terminationCheck'], 'terminationCheck', true),
    limits: withinHeap(
      maxHeapMb,
      resolveLimits({ ...DEFAULT_LIMITS, pauseWallWhileWaiting: false }, options['limits'], 'limits'),
    ),
    profile: choice(options['profile'], 'profile', profiles) ?? 'default',
    imageUrls: choice(options['imageUrls'], 'imageUrls', imageUrlChoices),
    isolation: resolveIsolation(options['isolation']),
    hostProcess: resolveHostProcessOptions(options['hostProcess']),
    observers: resolveObservers(options['observers']),
  };
}

/** Infinity and nothing mean no bound, as 0. */
function unboundedOr(value: unknown, read: (value: unknown) => number): number {
  return value === Infinity ? 0 : read(value);
}

/** A cell that could never get its place must not wait for one. */
function withinHeap(maxHeapMb: number, limits: ResolvedLimits): ResolvedLimits {
  const { heapMb } = limits;
  if (maxHeapMb === 0 || (heapMb > 0 && heapMb <= maxHeapMb)) return limits;
  const given = heapMb === 0 ? 'no bound' : `${heapMb} MiB`;
  throw invalidOption(
    `limits.heapMb must be at most the ${maxHeapMb} MiB of the service's maxHeapMb; it is ${given}`,
  );
}

export function resolveSessionOptions(
  service: ResolvedServiceOptions,
  given: unknown,
): ResolvedSessionOptions {
  const where = 'createSession options';
  const options = readOptions(given, where, [
    'tools',
    'invokeTool',
    'profile',
    'storedValues',
    'onNotify',
    'onOutput',
    'limits',
    'imageUrls',
    'yieldTimeMs',
    'observers',
    'trace',
  ]);
  const profile = choice(options['profile'], 'profile', profiles) ?? service.profile;
  const imageUrls =
    choice(options['imageUrls'], 'imageUrls', imageUrlChoices) ??
    service.imageUrls ??
    (profile === 'codex' ? 'data' : 'any');
  const invokeTool = callback<InvokeTool>(options['invokeTool'], 'invokeTool');
  const limits = withinHeap(service.maxHeapMb, resolveLimits(service.limits, options['limits'], 'limits'));
  const onOutput = callback<OnOutput>(options['onOutput'], 'onOutput');
  const yieldTimeMs = yieldTime(options['yieldTimeMs'], 'yieldTimeMs', DEFAULT_YIELD_TIME_MS);
  const observers = [
    ...service.observers,
    ...resolveObservers(options['observers']),
    ...resolveTrace(options['trace']),
  ];
  return {
    toolSet: resolveTools(options['tools'], { profile, hasInvokeTool: invokeTool !== undefined }),
    invokeTool,
    profile,
    storedValues: storedValuesToJson(options['storedValues'], limits.storedBytes),
    onNotify: callback<OnNotify>(options['onNotify'], 'onNotify'),
    onOutput,
    limits,
    maxHeapMb: service.maxHeapMb,
    remoteImages: imageUrls === 'any',
    yieldTimeMs,
    exec: { callId: undefined, yieldTimeMs, signal: undefined, limits, onOutput },
    observers: observers.length > 0 ? new ObserverHub(observers) : null,
    isObserved: true,
  };
}

const EXEC_OPTIONS = ['callId', 'yieldTimeMs', 'signal', 'limits', 'onOutput'];

export function resolveExecOptions(session: ResolvedSessionOptions, given: unknown): ResolvedExecOptions {
  if (given === undefined || given === null) return session.exec;
  const { callId, yieldTimeMs, signal, limits, onOutput } = checkOptions(given, 'exec options', EXEC_OPTIONS);
  return {
    callId: text(callId, 'callId'),
    yieldTimeMs: yieldTime(yieldTimeMs, 'yieldTimeMs', session.yieldTimeMs),
    signal: abortSignal(signal, 'signal'),
    limits:
      limits === undefined
        ? session.limits
        : withinHeap(session.maxHeapMb, resolveLimits(session.limits, limits, 'limits')),
    onOutput: callback<OnOutput>(onOutput, 'onOutput') ?? session.onOutput,
  };
}

export function resolveWaitOptions(given: unknown): ResolvedWaitOptions {
  const options = readOptions(given, 'wait options', ['callId', 'yieldTimeMs', 'terminate', 'signal']);
  return {
    callId: text(options['callId'], 'callId'),
    yieldTimeMs: yieldTime(options['yieldTimeMs'], 'yieldTimeMs', DEFAULT_YIELD_TIME_MS),
    terminate: flag(options['terminate'], 'terminate', false),
    signal: abortSignal(options['signal'], 'signal'),
  };
}

export function resolveTerminateOptions(given: unknown): ResolvedTerminateOptions {
  const options = readOptions(given, 'terminate options', ['callId', 'signal']);
  return { callId: text(options['callId'], 'callId'), signal: abortSignal(options['signal'], 'signal') };
}

/** The source as it is; anything but a string is refused. */
export function checkSource(source: unknown): string {
  if (typeof source === 'string') return source;
  throw new CodeModeError('INVALID_SOURCE', `exec source must be a string; got ${describeValue(source)}`);
}

export function checkCellId(cellId: unknown): string {
  if (typeof cellId === 'string') return cellId;
  throw new CodeModeError('INVALID_CELL_ID', `cell id must be a string; got ${describeValue(cellId)}`);
}
