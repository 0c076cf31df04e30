/** Where a text stands that a redaction hook is shown. */
export interface RedactContext {
  /** The kind of payload it is in; null for a text in the log itself (a script's source, a preview, an error). */
  payloadKind: string | null;
  /** The name of the nearest object member it is the value of, or null. */
  key: string | null;
}

/** Gives back what may be recorded of a text. */
export type Redact = (text: string, context: RedactContext) => string;

export interface TextRuleOptions {
  redact: Redact | undefined;
  /** Longer texts are cut, UTF-16 units. */
  maxTextLength: number;
  /** Larger payloads are replaced by a note, UTF-16 units. */
  maxPayloadLength: number;
}

/** What readers of the format accept: deeper JSON is refused. */
const DEEPEST = 100;

const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const loneSurrogates = new RegExp(loneSurrogate, 'g');

/** Members without which a payload of the kind could not be read, in place of one that was too large. */
const SKELETONS: Record<string, Record<string, unknown>> = {
  inference_request: { input: [] },
  inference_response: { output_items: [] },
  compaction_request: { input: [] },
  compaction_response: { output_items: [] },
  compaction_checkpoint: { input_history: [], replacement_history: [] },
};

/** Makes texts fit to be recorded: redacted, cut, and such that every reader of JSON accepts them. */
export class TextRules {
  readonly #options: TextRuleOptions;

  constructor(options: TextRuleOptions) {
    this.#options = options;
  }

  /** One text as it goes into the log. */
  plain(text: string, key: string): string {
    return this.#apply(text, { payloadKind: null, key });
  }

  /** One text of the log as JSON. */
  quote(text: string, key: string): string {
    return JSON.stringify(this.plain(text, key));
  }

  /** The JSON text of a payload, as it goes into its file. */
  payload(json: string, payloadKind: string): string {
    const { redact, maxTextLength, maxPayloadLength } = this.#options;
    if (json.length > maxPayloadLength) {
      const characters = json.length;
      return JSON.stringify({ ...SKELETONS[payloadKind], not_recorded: { reason: 'too large', characters } });
    }
    const isFine =
      redact === undefined && json.length <= maxTextLength && !json.includes('\\ud') && !isDeep(json);
    if (isFine) return json;
    const value: unknown = JSON.parse(json);
    if (isDeep(json)) {
      const text = this.#apply(json, { payloadKind, key: null });
      return JSON.stringify({ ...SKELETONS[payloadKind], not_recorded: { reason: 'too deep', text } });
    }
    return JSON.stringify(this.#walk(value, payloadKind, null));
  }

  #walk(value: unknown, payloadKind: string, key: string | null): unknown {
    if (typeof value === 'string') return this.#apply(value, { payloadKind, key });
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => this.#walk(each, payloadKind, key));
    const entries = Object.entries(value).map(([name, member]) => [
      wellFormed(name),
      this.#walk(member, payloadKind, name),
    ]);
    return Object.fromEntries(entries);
  }

  #apply(text: string, context: RedactContext): string {
    const { redact, maxTextLength } = this.#options;
    const shown = redact === undefined ? text : redactSafely(redact, text, context);
    return wellFormed(shown.length <= maxTextLength ? shown : cut(shown, maxTextLength));
  }
}

/** A text that could not be redacted is not recorded. */
function redactSafely(redact: Redact, text: string, context: RedactContext): string {
  try {
    const shown: unknown = redact(text, context);
    return typeof shown === 'string' ? shown : '[redaction failed]';
  } catch {
    return '[redaction failed]';
  }
}

function cut(text: string, length: number): string {
  return `${text.slice(0, length)}[${text.length - length} more characters were not recorded]`;
}

function wellFormed(text: string): string {
  return loneSurrogate.test(text) ? text.replace(loneSurrogates, '\ufffd') : text;
}

/** Whether JSON text is nested deeper than every reader takes. */
export function isDeep(json: string): boolean {
  if (json.length < DEEPEST * 2) return false;
  let depth = 0;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === 0x22) {
      // A string: on to the quote that ends it.
      do i = json.indexOf('"', i + 1);
      while (i >= 0 && isEscaped(json, i));
      if (i < 0) return false;
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > DEEPEST) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

function isEscaped(json: string, quote: number): boolean {
  let backslashes = 0;
  while (json.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes += 1;
  return backslashes % 2 === 1;
}

/** The beginning of a text, as summaries show it. */
export function preview(text: string): string {
  const start = text.slice(0, 640);
  const characters = [...start];
  return text.length <= 160 || characters.length <= 160 ? start : `${characters.slice(0, 160).join('')}...`;
}
