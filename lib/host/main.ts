/**
 * The entry file of a host process. Its parent starts it by path and talks to it over a pipe, as Electron's utilityProcess
 * over `process.parentPort`, or as a forked process over Node's IPC. It ends when its parent is gone, whatever its cells do.
 */
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { loadAddon } from '../native/load.js';
import { portCarrier, streamCarrier, type Carrier } from './channel.js';
import { PipeFrontEnd } from './pipe-front-end.js';
import { CHANNEL_FD } from './protocol.js';

/** Electron's `process.parentPort`. */
interface ParentPort {
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
  postMessage(message: unknown): void;
}

/** Nothing of this process is worth an orderly end, and an orderly end would wait for the threads of its cells. */
function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}

function parentCarrier(): Carrier | null {
  const { parentPort } = process as { parentPort?: ParentPort | null };
  if (parentPort !== undefined && parentPort !== null) {
    return portCarrier({
      post: (message) => parentPort.postMessage(message),
      onMessage: (listener) => parentPort.on('message', ({ data }) => listener(data)),
      // Electron ends the process with its parent.
      onClose: () => {},
      close: endNow,
    });
  }
  if (process.send !== undefined) {
    return portCarrier({
      post: (message) => process.send!(message, undefined, undefined, () => {}),
      onMessage: (listener) => void process.on('message', listener),
      onClose: (listener) => void process.on('disconnect', listener),
      close: endNow,
    });
  }
  if (!isConnected(CHANNEL_FD)) return null;
  return streamCarrier(new Socket({ fd: CHANNEL_FD, readable: true, writable: true }));
}

function isConnected(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor);
    return status.isSocket() || status.isFIFO();
  } catch {
    return false;
  }
}

const carrier = parentCarrier();
if (carrier === null) {
  process.stderr.write('This file is started by codecell, with a pipe to talk to. It is no command.\n');
  process.exitCode = 2;
} else {
  // A terminal sends these to the whole group; what becomes of the cells is the parent's decision.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  new PipeFrontEnd({ carrier, loadAddon, onEnd: endNow });
}
