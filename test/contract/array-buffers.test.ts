import { expect, describe, test } from 'vitest';
import { openSession } from './support.js';

async function evaluate(expression: string): Promise<unknown> {
  const outcome = await openSession().exec(`text(JSON.stringify(${expression}))`, { yieldTimeMs: Infinity });
  const [item] = outcome.contentItems;
  return JSON.parse(item?.type === 'input_text' ? item.text : JSON.stringify(outcome.error)) as unknown;
}

/** What an expression gives, or the text of what it throws. */
const outcomeOf = (expression: string) =>
  evaluate(`(() => { try { return ${expression} } catch (error) { return String(error) } })()`);

describe('ArrayBuffer in a cell', () => {
  // Every row must say the same outside of a cell.
  test.each([
    ['ArrayBuffer.name + ArrayBuffer.length + typeof ArrayBuffer'],
    ['new ArrayBuffer(3).byteLength'],
    ['new ArrayBuffer().byteLength'],
    ['new ArrayBuffer("7").byteLength'],
    ['new ArrayBuffer(-0.5).byteLength'],
    ['new ArrayBuffer(NaN, { maxByteLength: NaN }).resizable'],
    ['new ArrayBuffer(3, undefined).resizable'],
    ['new ArrayBuffer(3, {}).resizable'],
    ['new ArrayBuffer(3, { maxByteLength: undefined }).resizable'],
    ['new ArrayBuffer(3, 5).resizable'],
    ['new ArrayBuffer(3, { maxByteLength: 9.7 }).maxByteLength'],
    ['new ArrayBuffer(1, { maxByteLength: -0.5 })'],
    ['new ArrayBuffer(5, { maxByteLength: 4 })'],
    ['new ArrayBuffer(1, { maxByteLength: -1 })'],
    ['new ArrayBuffer(1, { maxByteLength: Infinity })'],
    ['new ArrayBuffer(1, { get maxByteLength() { throw new Error("getter") } })'],
    ['new ArrayBuffer({ valueOf() { throw new Error("length") } })'],
    ['new ArrayBuffer(-1)'],
    ['new ArrayBuffer(1n)'],
    ['ArrayBuffer(1)'],
    ['(() => { const b = new ArrayBuffer(1, { maxByteLength: 9 }); b.resize(9); return b.byteLength })()'],
    ['(() => { const b = new ArrayBuffer(1, { maxByteLength: 9 }); b.resize(10) })()'],
    ['new Uint8Array(1).buffer.constructor === ArrayBuffer'],
    ['new ArrayBuffer(1) instanceof ArrayBuffer'],
    ['ArrayBuffer[Symbol.species] === ArrayBuffer'],
    ['ArrayBuffer.isView(new DataView(new ArrayBuffer(1)))'],
    [
      '(() => { class A extends ArrayBuffer {} const a = new A(2, { maxByteLength: 4 }); return [a instanceof A, a.slice(1) instanceof A, a.resizable] })()',
    ],
    ['Object.getPrototypeOf(Reflect.construct(ArrayBuffer, [1], Map)) === Map.prototype'],
    ['Object.getOwnPropertyDescriptor(globalThis, "ArrayBuffer").enumerable'],
    ['Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "constructor").enumerable'],
  ])('%s is what it is elsewhere', async (expression) => {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the same expression, here
    const here = new Function(
      `try { return ${expression} } catch (error) { return String(error) }`,
    ) as () => unknown;
    expect(await outcomeOf(expression)).toEqual(JSON.parse(JSON.stringify(here())));
  });

  test('counts a resizable one with its maxByteLength', async () => {
    const session = openSession({ limits: { heapMb: 32 } });
    const source = `const kept = [];
      try { for (;;) kept.push(new ArrayBuffer(1, { maxByteLength: 2 ** 20 })) }
      catch (error) { text(kept.length + ' ' + error) }`;
    expect((await session.exec(source, { yieldTimeMs: Infinity })).contentItems).toEqual([
      { type: 'input_text', text: '32 RangeError: Array buffer allocation failed' },
    ]);
  });

  test('counts it no more when it is gone', async () => {
    const session = openSession({ limits: { heapMb: 32 } });
    const source = 'for (let i = 0; i < 200; i++) new ArrayBuffer(1, { maxByteLength: 2 ** 22 })';
    expect(await session.exec(source, { yieldTimeMs: Infinity })).toMatchObject({ status: 'completed' });
  });
});
