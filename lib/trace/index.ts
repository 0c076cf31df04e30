export { reduceBundle, type ReducedBundle, type ReduceOptions } from './bundle.js';
export { TraceError, type TraceDiagnostic, type TraceProblemCode } from './errors.js';
export { TraceReducer, type EventPosition, type TraceManifest, type TraceReducerOptions } from './reducer.js';
export { serializeState } from './serialize.js';
export type * from './state.js';
