import { CodeModeError } from '../errors.js';
import {
  NativeEventKind,
  type NativeAddon,
  type NativeCellOptions,
  type NativeEnd,
  type NativeToolEntry,
} from '../native/addon.js';
import { Channel, type Carrier } from './channel.js';
import type { EngineOptions } from './engine.js';
import type { Frame, TextField } from './frames.js';
import { HostCore } from './host-core.js';
import { Command, HOLD_BACK_BYTES, PROTOCOL_VERSION, Report } from './protocol.js';
import { readPairs, type EndFields } from './reports.js';

export interface FrontEndOptions {
  carrier: Carrier;
  /** Called when the parent wants an engine. What it throws is reported to the parent. */
  loadAddon: () => NativeAddon;
  /** The parent is gone, or there is nothing to do for it. */
  onEnd: () => void;
}

/** Speaks the protocol of lib/host/protocol.ts on the side of the host process. */
export class PipeFrontEnd {
  readonly #options: FrontEndOptions;
  readonly #channel: Channel;
  #core: HostCore | null = null;
  #isHoldingBack = false;

  constructor(options: FrontEndOptions) {
    this.#options = options;
    this.#channel = new Channel({
      carrier: options.carrier,
      acknowledge: (bytes) => [Report.Acknowledge, bytes],
      onFrame: (frame) => {
        for (const message of frame.messages) this.#handleCommand(message, frame);
      },
      onClose: options.onEnd,
    });
  }

  #handleCommand(message: unknown[], frame: Frame): void {
    const text = (field: unknown) => (field === null ? undefined : frame.text(field));
    const [command, a, b, c, d, e] = message;
    if (command === Command.Open) return this.#open(a, b as EngineOptions);
    if (command === Command.Acknowledge) return this.#handleAcknowledgement(a);
    const core = this.#core;
    // What comes after a failed opening.
    if (core === null) return;
    switch (command as Command) {
      case Command.Open:
      case Command.Acknowledge:
        return;
      case Command.Manifest:
        return core.createManifest(a as number, JSON.parse(frame.text(b)) as NativeToolEntry[]);
      case Command.Values:
        return core.setValues(a as number, readPairs(b, frame));
      case Command.Start:
        return core.start(a as number, frame.text(b), c as number, d as number, e as NativeCellOptions);
      case Command.Resolve:
        return core.resolve(a as number, b as number, frame.text(c));
      case Command.Reject:
        return core.reject(a as number, b as number, frame.text(c), text(d), text(e), text(message[6]));
      case Command.Stop:
        return core.stop(a as number, text(b), text(c));
      case Command.Release:
        return core.release(a as number, b as number);
      case Command.AskStats:
        return this.#channel.send([Report.Stats, core.stats()]);
    }
  }

  #open(version: unknown, options: EngineOptions): void {
    const channel = this.#channel;
    const { writer } = channel;
    try {
      // The parent decides what to do about another version; a newer one may know more commands.
      this.#core = new HostCore(this.#options.loadAddon(), options, {
        onEvent: (kind, cell, a, b, c) => this.#sendEvent(kind, cell, a, b, c),
        onValues: (valuesId, pairs) => {
          const fields = pairs.map(([key, json]) => [writer.text(key), writer.text(json)]);
          channel.collect([Report.Values, valuesId, fields]);
        },
        onBatchEnd: (cellsEnded) => this.#endBatch(cellsEnded),
      });
      channel.send([Report.Ready, version === PROTOCOL_VERSION ? version : PROTOCOL_VERSION]);
    } catch (error) {
      const code = CodeModeError.is(error) ? error.code : null;
      const reason = error instanceof Error ? error.message : String(error);
      channel.send([Report.Failed, code, writer.text(reason)]);
    }
    channel.flush();
  }

  #sendEvent(kind: NativeEventKind, cell: number, a: unknown, b: unknown, c: unknown): void {
    const channel = this.#channel;
    const text = (value: unknown) => channel.writer.text(value as string | undefined);
    switch (kind) {
      case NativeEventKind.Started:
      case NativeEventKind.Yield:
        return channel.collect([Report.Event, kind, cell]);
      case NativeEventKind.Text:
      case NativeEventKind.Audio:
      case NativeEventKind.Notify:
        return channel.collect([Report.Event, kind, cell, text(a)]);
      case NativeEventKind.Image:
        return channel.collect([Report.Event, kind, cell, text(a), text(b)]);
      case NativeEventKind.ToolCall:
        return channel.collect([Report.Event, kind, cell, a, b, text(c)]);
      case NativeEventKind.Ended:
        return channel.collect([Report.Event, kind, cell, endFields(a as NativeEnd, text)]);
    }
  }

  /** One frame for a batch. The parent that does not keep up is waited for here. */
  #endBatch(cellsEnded: boolean): void {
    const channel = this.#channel;
    const core = this.#core;
    if (core === null) return;
    if (cellsEnded) channel.collect([Report.Stats, core.stats()]);
    channel.flush();
    if (this.#isHoldingBack || channel.inFlight < HOLD_BACK_BYTES) return;
    this.#isHoldingBack = true;
    core.pause(true);
  }

  #handleAcknowledgement(bytes: unknown): void {
    this.#channel.acknowledged(bytes);
    if (!this.#isHoldingBack || this.#channel.inFlight > HOLD_BACK_BYTES / 2) return;
    this.#isHoldingBack = false;
    this.#core?.pause(false);
  }
}

function endFields(end: NativeEnd, text: (value: string | undefined) => TextField): EndFields {
  const { message, text: errorText, stack, diagnostics, ...rest } = end;
  const fields: EndFields = { ...rest, diagnostics: diagnostics.map(([code, words]) => [code, text(words)]) };
  if (message !== undefined) fields.message = text(message);
  if (errorText !== undefined) fields.text = text(errorText);
  if (stack !== undefined) fields.stack = text(stack);
  return fields;
}
