import type { CellEvent } from '../cell-events.js';
import type { ContentItem, Outcome } from '../outcome.js';
import { EXIT } from './exit-codes.js';

/** Prints a run for a person: output items on standard output, everything else on standard error. */
export class Printer {
  /** Tool calls are a running commentary: shown on a terminal only. */
  readonly showsEvents = process.stderr.isTTY;
  /** Called once when the reader of standard output went away. */
  onBrokenPipe: (() => void) | undefined;
  #pipeIsBroken = false;

  constructor() {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (this.#pipeIsBroken) return;
      this.#pipeIsBroken = true;
      this.onBrokenPipe?.();
    });
    process.stderr.on('error', () => {});
  }

  get pipeIsBroken(): boolean {
    return this.#pipeIsBroken;
  }

  print(text: string): void {
    if (!this.#pipeIsBroken) process.stdout.write(text);
  }

  /** Says what is wrong with the call of the program, and gives the exit code for it. */
  usageProblem(message: string): number {
    process.stderr.write(`codecell: ${message}\n`);
    return EXIT.usage;
  }

  /** A line for the person, beside the output. */
  note(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  item(item: ContentItem): void {
    this.print(`${describeItem(item)}\n`);
  }

  json(value: unknown): void {
    this.print(`${JSON.stringify(value)}\n`);
  }

  notification(text: string): void {
    process.stderr.write(`notify: ${text}\n`);
  }

  event(event: CellEvent): void {
    if (event.type === 'toolCall') {
      const { id, name } = event.call;
      process.stderr.write(`${id} ${name} ${shorten(JSON.stringify(event.input) ?? '')}\n`);
    } else if (event.type === 'toolCallEnded') {
      const { id, status, durationMs, error } = event.call;
      process.stderr.write(
        `${id} ${status} after ${durationMs.toFixed(1)} ms${error ? `: ${shorten(error)}` : ''}\n`,
      );
    }
  }

  yielded({ cellId, metrics }: Outcome): void {
    if (!this.showsEvents) return;
    process.stderr.write(`cell ${cellId} is still running after ${Math.round(metrics.wallMs)} ms\n`);
  }

  end({ status, error, diagnostics }: Outcome): void {
    if (error) process.stderr.write(`Script ${status}: ${error.code}\n${error.text}\n`);
    for (const { code, message } of diagnostics) process.stderr.write(`${code}: ${message}\n`);
  }

  /** Resolves when everything printed has left the process (or cannot any more). */
  async flush(): Promise<void> {
    const drained = [process.stdout, process.stderr].map(
      (stream) => new Promise<void>((resolve) => stream.write('', () => resolve())),
    );
    await Promise.all(drained);
  }
}

function describeItem(item: ContentItem): string {
  switch (item.type) {
    case 'input_text':
      return item.text;
    case 'input_image':
      return `[image, detail ${item.detail}: ${describeUrl(item.image_url)}]`;
    case 'input_audio':
      return `[audio: ${describeUrl(item.audio_url)}]`;
  }
}

/** A remote URL as it is; media type and size of a data URL. */
function describeUrl(url: string): string {
  const data = /^data:([^,;]*)/i.exec(url);
  return data ? `data URL ${data[1]} of ${url.length} characters` : url;
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
