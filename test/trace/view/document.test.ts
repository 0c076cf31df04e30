import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { payloadLookup, reduceBundle, renderTraceView } from '../../../dist/trace/index.js';
import type { ViewDocument } from '../../../lib/trace/view/document.js';
import { BundleBuilder, execCall, message } from '../bundle-builder.js';
import { corpusNote, damagedBundles, hasCorpus, minimalBundles, realBundles } from '../corpus.js';
import { hostileSession, hostileTexts } from './sessions.js';

async function render(path: string): Promise<string> {
  const reduced = await reduceBundle(path);
  return renderTraceView(reduced, { payload: payloadLookup(path, reduced.state) });
}

function documentOf(html: string): ViewDocument {
  const [, json] = /<script type="application\/json" id="trace">(.*?)<\/script>/s.exec(html) ?? [];
  return JSON.parse(json!) as ViewDocument;
}

describe('the page', () => {
  test('holds the bundle as JSON that cannot end its element, and gives it back unchanged', async () => {
    const html = await render(hostileSession().write());
    const [, json] = /<script type="application\/json" id="trace">(.*?)<\/script>/s.exec(html)!;
    expect(json).not.toMatch(/[<>&\u2028\u2029]/);
    expect(html.match(/<script/g)).toHaveLength(2);
    const source = documentOf(html)
      .details.flatMap(({ blocks }) => blocks)
      .find(({ type }) => type === 'code');
    expect(source).toMatchObject({ text: expect.stringContaining(hostileTexts[0]!) });
  });

  test('allows its own script and style by their hashes, data images, and nothing else', async () => {
    const html = await render(new BundleBuilder().begin().write());
    const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
    const [, script = ''] = /<script>(.*?)<\/script>/s.exec(html) ?? [];
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(html) ?? [];
    const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src ${hash(script)}`,
      `style-src ${hash(style)}`,
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(html).not.toMatch(/(?:src|href)="?(?:https?:)?\/\//);
  });

  test('marks a call without an end, and lists a torn line with its place', async () => {
    const builder = new BundleBuilder().begin();
    builder.request('inference', [message('hi')]).response('inference', [execCall('call')]);
    builder.tool('open').event('codex_turn_ended', { codex_turn_id: 'turn', status: 'cancelled' });
    const { rows, diagnostics, summary, failures } = documentOf(
      await render(builder.write(`${builder.log()}{"torn`)),
    );
    const open = rows.findIndex(({ id }) => id === 'open');
    expect(rows[open]).toMatchObject({
      end: null,
      status: 'running',
      incomplete: 'The end is not in the trace; the turn ended at event 6.',
    });
    expect(failures.map(({ row }) => row)).toContain(open);
    expect(diagnostics).toMatchObject([{ code: 'TORN_LINE', severity: 'error', place: 'line 7' }]);
    expect(summary.notes.join(' ')).toContain('not completed');
  });

  test('cuts long texts and says by how much', async () => {
    const builder = new BundleBuilder().begin().request('inference', [message('x'.repeat(250))]);
    const reduced = await reduceBundle(builder.write());
    const { items } = documentOf(await renderTraceView(reduced, { textLimit: 100 }));
    expect(items[0]!.parts).toEqual([
      { type: 'text', text: `${'x'.repeat(100)}\n[150 more characters are in the bundle]` },
    ]);
  });

  test('shows only base64 pictures of known types as pictures', async () => {
    const pictures = [
      'data:image/png;base64,iVBORw0KGgo=',
      'data:image/svg+xml,<svg/>',
      'https://host.example/x.png',
    ];
    const builder = new BundleBuilder().begin().request('inference', [message('hi')]);
    builder.response('inference', [execCall('call')]).tool('call', { kind: { type: 'other', name: 'exec' } });
    builder.cell('1', 'call').event('code_cell_initial_response', {
      runtime_cell_id: '1',
      status: 'completed',
      response_payload: builder.payload('tool_result', {
        response: {
          Result: {
            cell_id: '1',
            content_items: pictures.map((url) => ({ type: 'input_image', image_url: url })),
            error_text: null,
          },
        },
      }),
    });
    const { details } = documentOf(await render(builder.write()));
    const output = details.flatMap(({ blocks }) => blocks).find(({ title }) => title === 'Output');
    expect(output).toMatchObject({
      parts: [{ type: 'image', url: pictures[0] }, { type: 'text' }, { type: 'text' }],
    });
  });
});

describe.skipIf(!hasCorpus)(`every bundle of the corpus${corpusNote}`, () => {
  test.each([...realBundles(), ...damagedBundles(), ...minimalBundles()])(
    '$name has a page',
    async ({ path }) => {
      const { rows, details, summary } = documentOf(await render(path));
      expect(details).toHaveLength(rows.length);
      rows.forEach(({ parent, depth, start, end, kind, causes = [] }, index) => {
        expect(parent).toBeLessThan(index);
        expect(depth).toBe(parent < 0 ? 0 : rows[parent]!.depth + 1);
        expect(kind === 'thread').toBe(parent < 0);
        expect(start).toBeGreaterThanOrEqual(0);
        expect(start).toBeLessThanOrEqual(summary.duration);
        if (end !== null) expect(end).toBeGreaterThanOrEqual(start);
        for (const { row } of causes) expect(rows[row]).toBeDefined();
      });
    },
  );
});
