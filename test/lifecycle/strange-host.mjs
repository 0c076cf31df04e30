// A host process that does not keep to the protocol: node --import tsx strange-host.mjs <how>
import { Socket } from 'node:net';
import { FrameReader, FrameWriter } from '../../lib/host/frames.ts';
import { Command, Report } from '../../lib/host/protocol.ts';
import { NativeEventKind } from '../../lib/native/addon.ts';

const how = process.argv[2];
const pipe = new Socket({ fd: 3, readable: true, writable: true });
pipe.on('end', () => process.exit());
const writer = new FrameWriter();
const send = (...messages) => {
  for (const message of messages) writer.add(message);
  for (const piece of writer.take().pieces) pipe.write(piece);
};
const end = { status: 'completed', quarantined: false, diagnostics: [] };

const answers = {
  noise: () => pipe.write(Buffer.alloc(1000, 0xff)),
  'another version': () => send([Report.Ready, 999]),
  'more than the limits': (cell) =>
    send(...Array.from({ length: 11 }, () => [Report.Event, NativeEventKind.Text, cell, 'x'])),
  'bad events': (cell) => send([Report.Event, NativeEventKind.Text, cell, { not: 'a text' }]),
  'a text out of bounds': (cell) => send([Report.Event, NativeEventKind.Text, cell, [0, 0, 1e9]]),
  'a stranger': (cell) =>
    send(
      [Report.Event, NativeEventKind.Text, cell + 1, 'not mine'],
      [Report.Event, NativeEventKind.ToolCall, cell, 1, 99, null],
      [Report.Values, 12345, [['key', '1']]],
      [Report.Event, NativeEventKind.Text, cell, 'mine'],
      [Report.Event, NativeEventKind.Ended, cell, end],
      [Report.Event, NativeEventKind.Ended, cell, end],
    ),
};

const reader = new FrameReader(({ messages }) => {
  for (const [command, cell] of messages) {
    if (command === Command.Open) {
      if (how === 'noise' || how === 'another version') answers[how]();
      else send([Report.Ready, 1]);
    }
    if (command === Command.Start) answers[how](cell);
  }
});
pipe.on('data', (chunk) => reader.push(chunk));
