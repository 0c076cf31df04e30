/**
 * Further statements about the model-visible surface, of the kinds that the recorded cases have.
 * Both profiles give the same: caught errors are compared as text, inputs fit their tool's kind.
 */
import type { CaseTool } from './cases.js';

export interface ExtraCase {
  title: string;
  source: string;
  /** Texts as strings, other items as they are. */
  items?: unknown[];
  /** The error's text; the script completes when left out. */
  error?: string;
  tools?: CaseTool[];
}

/** A source that prints what `call` throws, as text. */
export const caught = (call: string) => `try { ${call}; text('no error') } catch (e) { text(String(e)) }`;

export const echo: CaseTool = { name: 'echo', kind: 'function', behaviour: 'echo' };
export const fail: CaseTool = { name: 'fail', kind: 'function', behaviour: 'fail' };
