export { CodeModeService, type ServiceStats } from './service.js';
export type { CodeModeSession, StartedCell } from './session.js';
export type { CellInfo, CellStatus } from './cell.js';
export type { CellEvent } from './cell-events.js';
export { CodeModeError, type CodeModeErrorCode } from './errors.js';
export type {
  HostProcessCommand,
  HostProcessOptions,
  Isolation,
  StartedHostProcess,
  StartHostProcess,
} from './host/options.js';
export { DEFAULT_LIMITS, type LimitName, type Limits } from './limits.js';
export type { ModelCall, ModelCallOptions, ModelCallResult } from './model-call.js';
export type {
  FreeformToolSpec,
  FunctionToolSpec,
  ModelToolSpecs,
  ToolSpec,
  ToolSpecOptions,
} from './model/specs.js';
export type {
  CellEnd,
  CellYield,
  ModelCallEnd,
  ObservedCell,
  ObservedModelCall,
  ObservedTool,
  ObservedToolCall,
  ObservedWait,
  RefusedExec,
  SessionObserver,
  TerminateRequest,
  ToolCallEnd,
  ToolCallError,
  TraceSource,
  WaitEnd,
} from './observer.js';
export type {
  AnyToolDefinition,
  ExecOptions,
  ImageUrls,
  Notification,
  OnNotify,
  OnOutput,
  Profile,
  ServiceOptions,
  SessionOptions,
  TerminateOptions,
  WaitOptions,
} from './options.js';
export type {
  AudioItem,
  CellError,
  CellErrorCode,
  CellMetrics,
  CompletedOutcome,
  ContentItem,
  Diagnostic,
  FailedOutcome,
  ImageDetail,
  ImageItem,
  MissingOutcome,
  NestedToolCall,
  NestedToolCallStatus,
  Outcome,
  TerminatedOutcome,
  TextItem,
  YieldedOutcome,
} from './outcome.js';
export {
  defineTool,
  type InvokeTool,
  type JsonSchema,
  type NestedToolInvocation,
  type ToolDefinition,
  type ToolExecuteContext,
  type ToolKind,
  type ToolSchema,
} from './tools/definition.js';
