export { causalChain, type CausalChain, type CausalHop, type CausalRelation } from './causes.js';
export { describeEntity, type EntityDescription, type PayloadPlace } from './descriptions.js';
export { findEntities, nearIds, shortIds, type EntityKind, type TraceEntity } from './entities.js';
export { findFailures, reasonOf, type TraceFailure } from './failures.js';
export {
  itemText,
  readCellResponse,
  readToolInvocation,
  readToolResult,
  withoutExecHeader,
  type CellOutput,
  type ToolOutput,
} from './payload-content.js';
export {
  spanIdOf,
  type SpanKind,
  type SpanLink,
  type SpanLinkKind,
  type SpanOutcome,
  type SpanStatus,
  type TimelineSpan,
} from './span.js';
export { buildTimeline, type Timeline, type TimelineInteraction } from './timeline.js';
