import { describe, expect, test } from 'vitest';
import { leastLengthOver } from '../../lib/result-size.js';

const long = 'x'.repeat(100);

describe('leastLengthOver', () => {
  test.each([
    ['a string', long],
    ['a property', { a: long }],
    [
      'parts of an MCP result',
      { content: [{ type: 'text', text: 'x'.repeat(60) }, { text: 'x'.repeat(60) }] },
    ],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: long })],
  ])('finds %s', (_name, value) => {
    expect(leastLengthOver(value, 99)).toBeGreaterThan(99);
  });

  test.each([
    ['what is shorter', { a: 'x'.repeat(99) }],
    ['what has a toJSON', { a: long, toJSON: () => 1 }],
    [
      'an instance of a class',
      new (class A {
        a = long;
      })(),
    ],
    [
      'what lies behind a getter',
      {
        get a(): string {
          throw new Error('called');
        },
      },
    ],
    ['what comes late', [...Array.from({ length: 1000 }, () => 1), long]],
    ['no value', undefined],
  ])('leaves %s to JSON.stringify', (_name, value) => {
    expect(leastLengthOver(value, 99)).toBe(null);
  });

  test('ends when the value contains itself', () => {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    expect(leastLengthOver(value, 99)).toBe(null);
  });
});
