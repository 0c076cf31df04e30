import { describe, expect, test } from 'vitest';
import { renderOutput, renderRefusal, toWireOutput } from '../../lib/model/output.js';
import type { CellError, ContentItem, Outcome } from '../../lib/outcome.js';
import type { ToolProfile } from '../../lib/tools/tool-set.js';

const text = (value: string): ContentItem => ({ type: 'input_text', text: value });
const audio: ContentItem = { type: 'input_audio', audio_url: 'data:audio/wav;base64,AA' };

function outcomeOf(fields: object): Outcome {
  return {
    status: 'completed',
    cellId: '3',
    contentItems: [],
    toolCalls: [],
    diagnostics: [],
    error: null,
    ...fields,
  } as never;
}

function failed(error: Partial<CellError>, fields: object = {}): Outcome {
  return outcomeOf({
    status: 'failed',
    error: { code: 'SCRIPT_ERROR', message: 'm', text: 't', ...error },
    ...fields,
  });
}

function render(outcome: Outcome, profile: ToolProfile = 'default', options: object = {}): string[] {
  const items = renderOutput(outcome, { wallTimeMs: 149, profile, ...options });
  return items.map((item) => (item.type === 'input_text' ? item.text : item.type));
}

const header = (status: string) => `${status}\nWall time 0.1 seconds\nOutput:\n`;

describe('the header', () => {
  test.each([
    ['completed', 'Script completed'],
    ['terminated', 'Script terminated'],
    ['yielded', 'Script running with cell ID 3'],
  ])('of a cell that %s is %j, alone when there is no output', (status, line) => {
    expect(render(outcomeOf({ status }))).toEqual([header(line)]);
  });

  test.each([
    [0, '0.0'],
    [49, '0.0'],
    [51, '0.1'],
    [1949, '1.9'],
    [123_456, '123.5'],
    [-5, '0.0'],
  ])('shows %i ms as %s seconds', (wallTimeMs, seconds) => {
    expect(render(outcomeOf({}), 'codex', { wallTimeMs })).toEqual([
      `Script completed\nWall time ${seconds} seconds\nOutput:\n`,
    ]);
  });
});

test('output items follow the header, empty texts dropped', () => {
  expect(render(outcomeOf({ contentItems: [text('a'), text(''), audio, text('b')] }))).toEqual([
    header('Script completed'),
    'a',
    'input_audio',
    'b',
  ]);
});

test('audio becomes a text for a model that takes none', () => {
  expect(render(outcomeOf({ contentItems: [audio] }), 'codex', { audioInput: false })).toEqual([
    header('Script completed'),
    'audio content omitted because you do not support audio input',
  ]);
});

describe('the error of a failed cell', () => {
  test('is its text in the codex profile', () => {
    const outcome = failed(
      { text: 'boom', stack: 'Error: boom\n    at exec_main.mjs:1:1' },
      { contentItems: [text('a')] },
    );
    expect(render(outcome, 'codex')).toEqual([header('Script failed'), 'a', 'Script error:\nboom']);
  });

  test('is its stack in the default profile', () => {
    const stack = 'Error: boom\n    at exec_main.mjs:1:1';
    expect(render(failed({ text: 'boom', stack }))).toEqual([
      header('Script failed'),
      `Script error:\n${stack}`,
    ]);
  });

  test('is its message when there is no other text', () => {
    expect(render(failed({ text: '', message: 'm' }))).toEqual([header('Script failed'), 'Script error:\nm']);
    expect(render(failed({ text: '', message: 'm' }), 'codex')).toEqual([
      header('Script failed'),
      'Script error:\n',
    ]);
  });

  test('has its position when it is a syntax error', () => {
    const error: CellError = {
      code: 'SYNTAX_ERROR',
      message: 'x',
      text: 'SyntaxError: x',
      line: 3,
      column: 7,
    };
    expect(render(failed(error))[1]).toBe('Script error:\nSyntaxError: x\n    at exec_main.mjs:3:7');
    expect(render(failed(error), 'codex')[1]).toBe('Script error:\nSyntaxError: x');
    const located = { ...error, text: 'SyntaxError: x\nexec_main.mjs:3:7\nreturn 5' };
    expect(render(failed(located))[1]).toBe(`Script error:\n${located.text}`);
  });

  test('says what to do about a limit in the default profile', () => {
    const outcome = failed({ code: 'HEAP_LIMIT', text: 'heap limit of 128 MiB reached' });
    expect(render(outcome)[1]).toBe(
      'Script error:\nheap limit of 128 MiB reached\nThe script used more memory than a cell has. Work on less data at a time.',
    );
    expect(render(outcome, 'codex')[1]).toBe('Script error:\nheap limit of 128 MiB reached');
  });

  test('counts as output', () => {
    const shown = render(
      failed({ text: 'e'.repeat(100) }, { contentItems: [text('a'.repeat(100))] }),
      'codex',
      { maxOutputTokens: 10 },
    );
    expect(shown).toEqual([
      header('Script failed'),
      `Warning: truncated output (original token count: 54)\nTotal output lines: 3\n\n${'a'.repeat(20)}…44 tokens truncated…${'e'.repeat(20)}`,
    ]);
  });
});

test('a missing cell is a failed script with its error', () => {
  const error: CellError = {
    code: 'CELL_NOT_FOUND',
    message: 'exec cell 1 not found',
    text: 'exec cell 1 not found',
  };
  for (const profile of ['default', 'codex'] as const) {
    expect(render(outcomeOf({ status: 'missing', error }), profile)).toEqual([
      header('Script failed'),
      'Script error:\nexec cell 1 not found',
    ]);
  }
});

describe('diagnostics', () => {
  const diagnostics = [{ code: 'UNHANDLED_REJECTION', message: 'Error: lost' }];
  const shown = 'Script diagnostics:\n- unhandled rejection: Error: lost';

  test('are told when the cell failed, before the error', () => {
    expect(render(failed({}, { diagnostics, contentItems: [text('a')] })).slice(1)).toEqual([
      'a',
      shown,
      'Script error:\nt',
    ]);
  });

  test('are told when the cell completed without output', () => {
    expect(render(outcomeOf({ diagnostics }))).toEqual([header('Script completed'), shown]);
  });

  test.each<[string, object, ToolProfile]>([
    ['there is output', { diagnostics, contentItems: [text('a')] }, 'default'],
    ['the cell goes on', { diagnostics, status: 'yielded' }, 'default'],
    ['the profile is codex', { diagnostics }, 'codex'],
  ])('are not told when %s', (_title, fields, profile) => {
    expect(render(outcomeOf(fields), profile).join()).not.toContain('lost');
  });

  test('beyond ten are counted', () => {
    const many = Array.from({ length: 13 }, () => diagnostics[0]);
    expect(render(outcomeOf({ diagnostics: many }))[1]).toMatch(/\n- and 3 more$/);
  });
});

test('a refused call answers its message alone', () => {
  expect(renderRefusal('no')).toEqual([text('no')]);
});

test('a lone text is sent as a string on the wire, anything else as items', () => {
  expect(toWireOutput([text('a')])).toBe('a');
  expect(toWireOutput([text('a'), text('b')])).toEqual([text('a'), text('b')]);
  expect(toWireOutput([audio])).toEqual([audio]);
});
