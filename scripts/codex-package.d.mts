export const CODEX_VERSION: string;
/** The path of one of the package's programs. Throws with the reason when it cannot be had. */
export function codexProgram(name: string): string;
