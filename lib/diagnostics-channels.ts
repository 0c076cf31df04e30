import { diagnosticsChannel } from './builtin-modules.js';
import { ObserverHub, type SessionObserver } from './observer.js';

const { channel } = diagnosticsChannel;

const cellStart = channel('codecell:cell:start');
const cellYield = channel('codecell:cell:yield');
const cellSettled = channel('codecell:cell:settled');
const toolStart = channel('codecell:tool:start');
const toolEnd = channel('codecell:tool:end');

/** Publishes what it sees. A message is made only for a channel that someone subscribed to. */
const publisher: SessionObserver = {
  cellStarted: (cell) => {
    if (cellStart.hasSubscribers) cellStart.publish({ cell });
  },
  cellYielded: (cell, yielded) => {
    if (cellYield.hasSubscribers) cellYield.publish({ cell, ...yielded });
  },
  cellEnded: (cell, end) => {
    if (cellSettled.hasSubscribers) cellSettled.publish({ cell, ...end });
  },
  toolCallStarted: (call) => {
    if (toolStart.hasSubscribers) toolStart.publish({ call });
  },
  toolCallEnded: (call, end) => {
    if (toolEnd.hasSubscribers) toolEnd.publish({ call, ...end });
  },
};

const publisherAlone = new ObserverHub([publisher]);

/**
 * The observers of a cell that starts now: those given, and the channels of `node:diagnostics_channel` if someone
 * subscribed to one. Looked at per cell, so that a subscriber may come at any time.
 */
export function withChannels(observers: ObserverHub | null): ObserverHub | null {
  const hasSubscribers =
    cellStart.hasSubscribers ||
    cellYield.hasSubscribers ||
    cellSettled.hasSubscribers ||
    toolStart.hasSubscribers ||
    toolEnd.hasSubscribers;
  if (!hasSubscribers) return observers;
  return observers === null ? publisherAlone : observers.with(publisher);
}
