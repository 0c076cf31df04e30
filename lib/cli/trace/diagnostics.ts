import type { TraceError } from '../../trace/errors.js';
import { type TraceDiagnostic } from '../../trace/errors.js';

/** What strict mode refused a bundle for, in the shape of a diagnostic. */
export function refusalOf(error: TraceError): TraceDiagnostic {
  return {
    severity: 'error',
    code: error.problem,
    // The location has fields of its own.
    message: error.message.replace(/ \((?:line \d+)?(?:, )?(?:seq \d+)?\)$/, ''),
    ...(error.seq === undefined ? {} : { seq: error.seq }),
    ...(error.line === undefined ? {} : { line: error.line }),
  };
}

/** `error LOG_LINE (line 9, seq 8): not JSON` */
export function describeDiagnostic({ severity, code, message, seq, line }: TraceDiagnostic): string {
  const place = [
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(seq === undefined ? [] : [`seq ${seq}`]),
  ];
  return `${severity} ${code}${place.length === 0 ? '' : ` (${place.join(', ')})`}: ${message}`;
}
