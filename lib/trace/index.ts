export * from './analysis/index.js';
export { reduceBundle, type ReducedBundle, type ReduceOptions } from './bundle.js';
export { TraceError, type TraceDiagnostic, type TraceProblemCode } from './errors.js';
export {
  toOtlp,
  type OtlpAttribute,
  type OtlpOptions,
  type OtlpSpan,
  type OtlpTraces,
  type OtlpValue,
} from './exporters/otlp.js';
export { toTraceEvents, type TraceEventFile, type TraceEventJson } from './exporters/trace-events.js';
export { payloadLookup, type PayloadLookup } from './payload-files.js';
export { TraceReducer, type EventPosition, type TraceManifest, type TraceReducerOptions } from './reducer.js';
export { serializeState } from './serialize.js';
export type * from './state.js';
export { createTraceRecorder, type TraceRecorder, type TraceRecorderOptions } from './recording/recorder.js';
export type { TraceRecorderStats } from './recording/event-log.js';
export type {
  CompactionOptions,
  InferenceOptions,
  TraceCompaction,
  TraceInference,
  UnfinishedInference,
} from './recording/inference.js';
export type { TraceResponse } from './recording/requests.js';
export type { Redact, RedactContext } from './recording/text-rules.js';
export type { ThreadStatus, TurnStatus } from './recording/thread-log.js';
export type {
  ChildThreadOptions,
  ResultOptions,
  ThreadOptions,
  TraceThread,
  TraceTurn,
} from './recording/threads.js';
export type {
  ToolCallOptions,
  ToolCallResult,
  ToolCallStatus,
  TraceToolCall,
} from './recording/tool-calls.js';
export { renderTraceView, type TraceViewOptions } from './view/render.js';
