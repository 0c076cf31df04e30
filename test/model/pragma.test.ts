import { describe, expect, test } from 'vitest';
import { parseJsonLine } from '../../lib/model/pragma-json.js';
import { parsePragma } from '../../lib/model/pragma.js';

const FIELDS = '`yield_time_ms` and `max_output_tokens`';

function refusal(source: string): string {
  const parsed = parsePragma(source);
  if (parsed.ok) throw new Error(`accepted: ${JSON.stringify(parsed)}`);
  return parsed.message;
}

describe('parsePragma reads', () => {
  test.each<[string, string, object]>([
    [
      'both fields',
      '// @exec: {"yield_time_ms": 5, "max_output_tokens": 7}\ncode',
      { yieldTimeMs: 5, maxOutputTokens: 7 },
    ],
    ['no field', '// @exec: {}\ncode', {}],
    ['null values', '// @exec: {"yield_time_ms": null}\ncode', {}],
    [
      'the last of duplicates',
      '// @exec: {"yield_time_ms": 1, "yield_time_ms": 2}\ncode',
      { yieldTimeMs: 2 },
    ],
    ['leading blanks', ' \t// @exec:{"yield_time_ms":0}\ncode', { yieldTimeMs: 0 }],
    ['CRLF lines', '// @exec: {"yield_time_ms": 1}\r\ncode', { yieldTimeMs: 1 }],
    [
      'the largest safe integer',
      '// @exec: {"yield_time_ms": 9007199254740991}\ncode',
      { yieldTimeMs: Number.MAX_SAFE_INTEGER },
    ],
    ['escaped keys', '// @exec: {"yield\\u005ftime_ms": 3}\ncode', { yieldTimeMs: 3 }],
  ])('%s', (_title, source, fields) => {
    const expected = {
      ok: true,
      hasPragma: true,
      codeWithPragma: source,
      codeWithoutPragma: 'code',
      ...fields,
    };
    expect(parsePragma(source)).toEqual(expected);
  });

  test.each([
    'text(1)',
    '//@exec: {"yield_time_ms": 1}\n1',
    '1\n// @exec: {"yield_time_ms": 1}',
    '\n// @exec: {}\n1',
    '// @exec {}\n1',
    '\ufeff// @exec: {}\n1',
  ])('nothing from %j', (source) => {
    expect(parsePragma(source)).toEqual({
      ok: true,
      hasPragma: false,
      codeWithPragma: source,
      codeWithoutPragma: source,
    });
  });
});

describe('parsePragma refuses', () => {
  const empty =
    'exec expects raw JavaScript source text (non-empty). Provide JS only, optionally with first-line ' +
    '`// @exec: {"yield_time_ms": 10000, "max_output_tokens": 1000}`.';
  const notJson = `exec pragma must be valid JSON with supported fields ${FIELDS}: `;
  const notIntegers = `exec pragma fields ${FIELDS} must be non-negative safe integers: `;
  const notAnObject = `exec pragma must be a JSON object with supported fields ${FIELDS}`;

  test.each<[string, string, string]>([
    ['an empty source', '', empty],
    ['a blank source', ' \n\t\u00a0\n', empty],
    [
      'a pragma alone',
      '// @exec: {}',
      'exec pragma must be followed by JavaScript source on subsequent lines',
    ],
    [
      'a pragma before blanks',
      '// @exec: nope\n \n',
      'exec pragma must be followed by JavaScript source on subsequent lines',
    ],
    ['a pragma with nothing in it', '// @exec:\n1', notAnObject],
    ['a pragma of blanks', '// @exec:   \r\n1', notAnObject],
    ['a word', '// @exec: nope\n1', `${notJson}expected ident at line 1 column 2`],
    ['a bare key', '// @exec: {yield_time_ms: 1}\n1', `${notJson}key must be a string at line 1 column 2`],
    [
      'an open object',
      '// @exec: {"yield_time_ms": 1\n1',
      `${notJson}EOF while parsing an object at line 1 column 19`,
    ],
    [
      'a trailing comma',
      '// @exec: {"yield_time_ms": 1,}\n1',
      `${notJson}trailing comma at line 1 column 21`,
    ],
    ['more than one value', '// @exec: {} x\n1', `${notJson}trailing characters at line 1 column 4`],
    ['an array', '// @exec: []\n1', notAnObject],
    ['a number', '// @exec: 5\n1', notAnObject],
    [
      'another key',
      '// @exec: {"foo": 1, "yield_time_ms": "x"}\n1',
      `exec pragma only supports ${FIELDS}; got \`foo\``,
    ],
    ['-1', '// @exec: {"yield_time_ms": -1}\n1', `${notIntegers}invalid number`],
    ['1.5', '// @exec: {"max_output_tokens": 1.5}\n1', `${notIntegers}invalid number`],
    ['1e3', '// @exec: {"max_output_tokens": 1e3}\n1', `${notIntegers}invalid number`],
    [
      'a text',
      '// @exec: {"yield_time_ms": "100"}\n1',
      `${notIntegers}invalid type: string "100", expected u64`,
    ],
    [
      'a boolean',
      '// @exec: {"yield_time_ms": true}\n1',
      `${notIntegers}invalid type: boolean \`true\`, expected u64`,
    ],
    ['a list', '// @exec: {"yield_time_ms": [1]}\n1', `${notIntegers}invalid type: sequence, expected u64`],
    ['an object', '// @exec: {"yield_time_ms": {}}\n1', `${notIntegers}invalid type: map, expected u64`],
    [
      '2^53',
      '// @exec: {"yield_time_ms": 9007199254740992}\n1',
      'exec pragma field `yield_time_ms` must be a non-negative safe integer',
    ],
    [
      '2^53 tokens',
      '// @exec: {"max_output_tokens": 9007199254740992}\n1',
      'exec pragma field `max_output_tokens` must be a non-negative safe integer',
    ],
  ])('%s', (_title, source, message) => {
    expect(refusal(source)).toBe(message);
  });
});

test('parsePragma takes linear time on a huge line of blanks', () => {
  const source = `${' '.repeat(5_000_000)}1`;
  expect(parsePragma(source)).toMatchObject({ ok: true, hasPragma: false });
  expect(refusal(' '.repeat(5_000_000))).toContain('non-empty');
});

test('parseJsonLine accepts exactly what JSON.parse accepts', () => {
  const valid = [
    '{}',
    '[]',
    '[1,"a",{"b":[]}]',
    ' null ',
    'true',
    'false',
    '-0',
    '1.5e+3',
    '"\\u00e9\\n\\ud83d\\ude42é🙂"',
    '{"a":{"b":1},"c":[]}',
  ];
  const invalid = [
    '',
    '{',
    '[',
    '"',
    '"\\',
    '"\\x"',
    '"\\u12"',
    '01',
    '1.',
    '1e',
    '-',
    '+1',
    'nul',
    'nulL',
    'tru',
    '[1,]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '[,]',
    '{}{}',
    "'a'",
    '"\t"',
    '{1:2}',
    '[1 2]',
  ];
  for (const text of valid) {
    JSON.parse(text);
    expect(() => parseJsonLine(text), text).not.toThrow();
  }
  for (const text of invalid) {
    expect(() => JSON.parse(text) as unknown, text).toThrow();
    expect(() => parseJsonLine(text), text).toThrow(/ at line 1 column \d+$/);
  }
  expect(() => parseJsonLine('['.repeat(1_000_000))).toThrow('recursion limit exceeded at line 1 column 128');
});
