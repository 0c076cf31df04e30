import { describe, expect, test } from 'vitest';
import { BYTES_PER_TOKEN, countTokens, truncateItems, truncateText } from '../../lib/model/truncation.js';
import type { ContentItem } from '../../lib/outcome.js';
import { Random } from '../tools/support/random.js';

const text = (value: string): ContentItem => ({ type: 'input_text', text: value });
const image: ContentItem = { type: 'input_image', image_url: `data:${'x'.repeat(1000)}`, detail: 'high' };
const audio: ContentItem = { type: 'input_audio', audio_url: `data:${'x'.repeat(1000)}` };

test.each([
  ['', 0],
  ['a', 1],
  ['abcd', 1],
  ['abcde', 2],
  ['é', 1],
  ['🙂🙂', 2],
  ['\ud800', 1],
])('countTokens of %j is %i', (value, tokens) => {
  expect(countTokens(value)).toBe(tokens);
});

describe('truncateText', () => {
  test.each([
    ['abcdefgh', 2, 'abcdefgh'],
    ['abcdefghijkl', 2, 'abcd…1 tokens truncated…ijkl'],
    ['abcdefghijklm', 2, 'abcd…2 tokens truncated…jklm'],
    ['abcdefgh', 1, 'ab…1 tokens truncated…gh'],
    ['abcdefgh', 0, '…2 tokens truncated…'],
    ['🙂🙂🙂🙂', 3, '🙂…1 tokens truncated…🙂'],
    ['aé日🙂x🙂日éa', 3, 'aé日…3 tokens truncated…日éa'],
  ])('of %j to %i tokens is %j', (value, tokens, expected) => {
    expect(truncateText(value, tokens)).toBe(expected);
  });

  test('never exceeds the budget and never splits a character', () => {
    const characters = ['a', 'é', '日', '🙂', '\n', '👩‍👩‍👧'];
    for (let seed = 1; seed <= 2000; seed++) {
      const random = new Random(seed);
      const value = random.list(60, () => random.pick(characters)).join('');
      const tokens = random.below(20);
      const shown = truncateText(value, tokens);
      if (countTokens(value) <= tokens) {
        expect(shown).toBe(value);
        continue;
      }
      const match = /^([^]*)…(\d+) tokens truncated…([^]*)$/.exec(shown);
      const [, head = '', gone, tail = ''] = match ?? [];
      expect(match, `seed ${seed}`).not.toBeNull();
      expect(value.startsWith(head) && value.endsWith(tail)).toBe(true);
      expect(Buffer.byteLength(head + tail)).toBeLessThanOrEqual(tokens * BYTES_PER_TOKEN);
      expect(head.length + tail.length).toBeLessThanOrEqual(value.length);
      expect(Number(gone)).toBe(
        Math.ceil((Buffer.byteLength(value) - tokens * BYTES_PER_TOKEN) / BYTES_PER_TOKEN),
      );
      expect(Buffer.from(`${head}|${tail}`).toString()).toBe(`${head}|${tail}`);
    }
  });

  test('looks only at what it keeps of a huge text', () => {
    const huge = 'x'.repeat(50_000_000);
    expect(truncateText(huge, 10).length).toBeLessThan(80);
  });
});

describe('truncateItems', () => {
  test('returns items within the budget separately', () => {
    const items = [text('abcd'), text('efg')];
    expect(truncateItems(items, 2)).toEqual(items);
    expect(truncateItems([], 0)).toEqual([]);
  });

  test('joins texts over the budget and cuts them in the middle', () => {
    const items = [text('first line\nsecond'), text('third'), text('fourth\n')];
    expect(truncateItems(items, 2)).toEqual([
      text(
        'Warning: truncated output (original token count: 8)\nTotal output lines: 4\n\nfirs…6 tokens truncated…rth\n',
      ),
    ]);
  });

  test('counts the newlines that join', () => {
    expect(truncateItems([text('abcd'), text('efgh')], 2)).toHaveLength(1);
    expect(truncateItems([text('abcd'), text('efg')], 2)).toHaveLength(2);
  });

  test('keeps images, and omits texts and audio once the budget is used up', () => {
    const items = [text('abcdefgh'), image, text('x'.repeat(16)), image, audio, text('y'), text('z')];
    expect(truncateItems(items, 4)).toEqual([
      text('abcdefgh'),
      image,
      text(`xxxx…2 tokens truncated…xxxx`),
      image,
      text('[omitted 2 text items ...]'),
      text('[omitted 1 audio items ...]'),
    ]);
  });

  test('keeps everything beside images within the budget', () => {
    const items = [text('abcd'), image, audio, text('efgh')];
    expect(truncateItems(items, 2)).toEqual(items);
  });

  test('omits a text that begins when nothing is left', () => {
    expect(truncateItems([text('abcd'), image, text('x')], 1)).toEqual([
      text('abcd'),
      image,
      text('[omitted 1 text items ...]'),
    ]);
  });
});
