/** JSON.stringify as it is: undefined for a value that has no JSON text. */
export const stringify: (value: unknown) => string | undefined = JSON.stringify;

/** JSON text of any value. Never throws: of what has no JSON it says why. */
export function toJson(value: unknown): string {
  try {
    return stringify(value) ?? 'null';
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return JSON.stringify({ input: [], output_items: [], not_recorded: { reason } });
  }
}
