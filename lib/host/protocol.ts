/**
 * The messages between a host process and its parent. Each is an array: its kind, then its fields in the order named
 * here; `text` is a TextField (lib/host/frames.ts), `bytes` counts received bytes.
 */

/** Both sides come from one package. A file that was exchanged under a running parent shows here. */
export const PROTOCOL_VERSION = 1;

/** The descriptor of the pipe in a host process that was spawned: its standard streams carry nothing. */
export const CHANNEL_FD = 3;

/** Parent to host process. */
export enum Command {
  /** version, EngineOptions. The first message. */
  Open = 0,
  /** manifest id, text: JSON of the tool entries. Before the first cell that needs it. */
  Manifest = 1,
  /** values id, [text: key, text: JSON][]. Sets stored values; the first time it also makes the store. */
  Values = 2,
  /** cell, text: source, manifest id, values id, NativeCellOptions. */
  Start = 3,
  /** cell, call, text: JSON. */
  Resolve = 4,
  /** cell, call, text: message, text: name, text: code, text: JSON of data. The last three may be null. */
  Reject = 5,
  /** cell, code or null, text: message or null. */
  Stop = 6,
  /** manifest id, values id. */
  Release = 7,
  /** Asks for Stats. */
  AskStats = 8,
  /** bytes. */
  Acknowledge = 9,
}

/** Host process to parent. */
export enum Report {
  /** version. The engine is there. */
  Ready = 0,
  /** code, text: message. The engine could not be made; the process ends. */
  Failed = 1,
  /** kind, cell, and a, b, c as lib/native/addon.ts describes them, with texts as TextFields. */
  Event = 2,
  /** values id, [text: key, text: JSON][]. What cells have committed; before the end of the cell that did. */
  Values = 3,
  /** NativeEngineStats. */
  Stats = 4,
  /** bytes. */
  Acknowledge = 5,
}

/**
 * Flow control, the same for every carrier: the receiver acknowledges what it has handled. A host process that has more
 * than this on the way holds its cells' events back, so that they wait as on a host that is busy.
 */
export const HOLD_BACK_BYTES = 8 * 1024 * 1024;
/** The parent withholds its acknowledgements while it has more than this on the way to the host process. */
export const WITHHOLD_BYTES = 32 * 1024 * 1024;
/** What is received is acknowledged in steps of this. */
export const ACKNOWLEDGE_BYTES = 256 * 1024;
