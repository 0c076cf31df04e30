import { expect, test } from 'vitest';
import type { ToolDefinition } from '../../lib/index.js';
import { ending, openSession, texts } from './support.js';

const fail: ToolDefinition = {
  name: 'fail',
  execute: () => {
    throw new Error('no');
  },
};

/** Puts out each way of calling for which the tool's error and an error of the script's own disagree. */
const compareWays = `
  Error.stackTraceLimit = 4;
  function call() { return [new Error('no').stack, tools.fail({}).catch((error) => error.stack)]; }
  function left() { return call(); }
  function right() { return call(); }
  function deep(n) { return n > 0 ? deep(n - 1) : call(); }
  const ways = {
    call,
    left,
    right,
    twoPlaces: (n) => n % 2 ? left() : right(),
    deep: () => deep(3),
    deeper: () => deep(60),
    throughBuiltin: () => [0].map(() => right())[0],
  };
  // Without the column of the call itself, as the two are beside each other, and without builtin functions.
  const lines = (stack) =>
    stack.split('\\n').filter((line) => line.includes('.mjs:')).slice(0, 3)
      .map((line, i) => i ? line : line.replace(/:\\d+\\)$/, ''));
  const wrong = new Set();
  for (let round = 0; round < 500; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const [own, ofTool] = way(round);
      const [expected, got] = [lines(own), lines(await ofTool)];
      if (String(got) !== String(expected)) wrong.add(name + ': ' + got + ' instead of ' + expected);
    }
  }
  text([...wrong].join('\\n') || 'all right');`;

test('an error of a tool shows where it was called, whichever way the script came there, however often', async () => {
  const outcome = await openSession({ tools: [fail] }).exec(compareWays, { yieldTimeMs: Infinity });
  expect(texts(outcome)).toEqual(['all right']);
});

/** Functions that are made, called, and left alone or dropped: V8 throws their code away, and moves what it keeps. */
const compareDropped = `
  const wrong = [];
  const kept = [];
  let garbage = [];
  for (let round = 0; round < 6000; round++) {
    const line = round % 97;
    const source = '\\n'.repeat(line) + 'return tools.fail({}).catch((error) => error.stack); //' + round;
    const made = new Function('tools', source);
    if (round % 3 === 0) kept[round % 300] = made;
    // Two lines are those that Function puts in front.
    const [, got] = /:(\\d+):\\d+/.exec(await made(tools));
    if (Number(got) !== line + 3) wrong.push(got + ' instead of ' + (line + 3));
    garbage.push(Array.from({ length: 500 }, (_, i) => ({ i })));
    if (garbage.length > 200) garbage = garbage.filter((_, i) => i % 5 === 0);
  }
  text(wrong.slice(0, 5).join('\\n') || 'all right');`;

test('an error of a tool shows where it was called when V8 collected code meanwhile', async () => {
  const session = openSession({ tools: [fail], limits: { heapMb: 16 } });
  const outcome = await session.exec(compareDropped, { yieldTimeMs: Infinity });
  expect([ending(outcome), ...texts(outcome)]).toEqual(['completed', 'all right']);
});
