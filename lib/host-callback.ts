/** Calls a host callback that may throw, reject, or answer at once. */
export function callSafely(call: () => unknown, done: () => void, failed: (error: unknown) => void): void {
  let answer: unknown;
  try {
    answer = call();
  } catch (error) {
    failed(error);
    return;
  }
  if (answer === undefined || answer === null) done();
  else Promise.resolve(answer).then(done, failed);
}

/** What was thrown, as text: an error's message, or the value itself. Safe for any value. */
export function failureText(failure: unknown): string {
  try {
    return String(failure instanceof Error ? failure.message : failure);
  } catch {
    return 'a value that has no text';
  }
}
