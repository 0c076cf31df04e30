import { noRun, type NativeEnd } from './native/addon.js';
import type { CellError, CellErrorCode, CellMetrics, MissingOutcome } from './outcome.js';

/** The metrics of a cell that never ran. */
export const noMetrics: Readonly<CellMetrics> = { ...noRun, toolCalls: 0 };

/** The error of an outcome. `abortError` is that of a cell whose exec's signal fired. */
export function endError(end: NativeEnd, abortError: CellError | null): CellError | null {
  if (end.status === 'terminated') return abortError;
  if (end.status === 'completed') return null;
  const message = end.message ?? '';
  const error: CellError = {
    code: (end.code ?? 'SCRIPT_ERROR') as CellErrorCode,
    message,
    text: end.text ?? message,
  };
  if (end.stack !== undefined) error.stack = end.stack;
  if (end.line !== undefined) error.line = end.line;
  if (end.column !== undefined) error.column = end.column;
  return error;
}

/** The outcome of a `wait` or `terminate` for an id the session does not have. */
export function missingOutcome(cellId: string): MissingOutcome {
  const message = `exec cell ${cellId} not found`;
  return {
    status: 'missing',
    cellId,
    contentItems: [],
    error: { code: 'CELL_NOT_FOUND', message, text: message },
    toolCalls: [],
    diagnostics: [],
    metrics: { ...noMetrics },
  };
}
