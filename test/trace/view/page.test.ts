import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { payloadLookup, reduceBundle, renderTraceView } from '../../../dist/trace/index.js';
import { realBundles } from '../corpus.js';
import { chromiumNote, chromiumPath, launchChromium } from './chromium.js';
import {
  SessionBuilder,
  answerItem,
  execItem,
  hostileSession,
  hostileTexts,
  largeSession,
  waitItem,
} from './sessions.js';

/** A cell that yields, is waited on and fails, with two calls of which one fails. */
function failingSession(): SessionBuilder {
  const source =
    "const first = await tools.read({ path: 'a.txt' });\ntext(first);\nawait tools.read({ path: 'b.txt' });";
  return new SessionBuilder()
    .begin()
    .say('Compare a.txt and b.txt.')
    .infer(20, [execItem('call_1', source)])
    .exec('call_1', '1', source)
    .call('nested-1', '1', 'read', { path: 'a.txt' })
    .after(5)
    .answer('nested-1', 'needle in a.txt')
    .respond('1', 'yielded', ['needle in a.txt'])
    .reply('call_1', 'custom_tool_call_output', ['Script running with cell ID 1', 'needle in a.txt'])
    .infer(20, [waitItem('call_2', '1')])
    .wait('call_2', '{"cell_id":"1"}')
    .call('nested-2', '1', 'read', { path: 'b.txt' })
    .after(5)
    .fail('nested-2', 'b.txt does not exist')
    .endCell('1', 'failed', [], 'Error: b.txt does not exist\n    at exec_main.mjs:3:7')
    .reply('call_2', 'function_call_output', ['Script failed'])
    .infer(20, [answerItem('There is no b.txt.')])
    .end();
}

describe.skipIf(chromiumPath === undefined)(`the trace page in Chromium${chromiumNote}`, () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    browser = await launchChromium();
    folder = mkdtempSync(join(tmpdir(), 'codecell-view-'));
  });

  afterAll(async () => {
    await browser?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  interface OpenPage {
    page: Page;
    /** Messages of the console, uncaught errors and requests. */
    noise: string[];
  }

  async function open(bundle: string, prepare?: (page: Page) => Promise<unknown>): Promise<OpenPage> {
    const reduced = await reduceBundle(bundle);
    const html = await renderTraceView(reduced, { payload: payloadLookup(bundle, reduced.state) });
    const file = join(folder, 'page.html');
    writeFileSync(file, html);
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    onTestFinished(() => page.close());
    const noise: string[] = [];
    page.on('console', (message) => noise.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => noise.push(`error: ${error.message}`));
    page.on('request', (request) => {
      if (!request.isNavigationRequest()) noise.push(`request: ${request.url()}`);
    });
    await prepare?.(page);
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector('.timeline[data-drawn]');
    return { page, noise };
  }

  const labels = (page: Page) => page.locator('.row .label .name').allTextContents();

  test('shows a row for each thing of the session, in order, without an error or a request', async () => {
    const { page, noise } = await open(failingSession().write());
    expect(await labels(page)).toEqual([
      '/root',
      'turn 1',
      'user',
      'gpt-5.2-codex',
      'exec cell 1',
      'read',
      'read',
      'gpt-5.2-codex',
      'wait',
      'gpt-5.2-codex',
      'assistant',
    ]);
    expect(await page.locator('#row-count').textContent()).toBe('11 rows');
    expect(noise).toEqual([]);
  });

  test('shows source with line numbers, the line of the error, output and reason of a cell that is clicked', async () => {
    const { page } = await open(failingSession().write());
    await page.locator('.row', { hasText: 'exec cell 1' }).click();
    const details = page.locator('.details');
    expect(await details.locator('.source .line-number').allTextContents()).toEqual(['1', '2', '3']);
    expect(await details.locator('.source .line code').first().textContent()).toBe(
      "const first = await tools.read({ path: 'a.txt' });",
    );
    expect(await details.locator('.source .is-error .line-number').allTextContents()).toEqual(['3']);
    expect(await details.locator('.error-text').textContent()).toContain('b.txt does not exist');
    expect(await details.textContent()).toContain('needle in a.txt');
  });

  test('shows arguments, error and the way back to the user of a nested call', async () => {
    const { page } = await open(failingSession().write());
    await page.locator('.row', { hasText: 'b.txt' }).nth(2).click();
    const details = page.locator('.details');
    expect(await details.locator('.is-json').textContent()).toContain('"path": "b.txt"');
    expect(await details.locator('.error-text').textContent()).toBe('b.txt does not exist');
    expect(await details.locator('.why .relation').allTextContents()).toEqual([
      'called by',
      'asked for by',
      'answers',
    ]);
    await details.locator('.why button').first().click();
    expect(await details.locator('h2').textContent()).toBe('exec cell 1');
    expect(await page.locator('.row.is-selected .name').textContent()).toBe('exec cell 1');
  });

  test('lists what failed, once each and with the reason, before anything is selected', async () => {
    const { page } = await open(failingSession().write());
    const reasons = await page.locator('#problems .reason').allTextContents();
    expect(reasons.length).toBeGreaterThan(0);
    expect(reasons.join('\n')).toContain('b.txt does not exist');
    await page.keyboard.press('p');
    expect(await page.locator('.row.is-selected').getAttribute('class')).toContain('status-failed');
  });

  test('finds rows by what their source, arguments and results hold, and keeps what holds them', async () => {
    const { page } = await open(failingSession().write());
    await page.keyboard.press('/');
    await page.keyboard.type('nested-2');
    await expect.poll(() => labels(page)).toEqual(['/root', 'turn 1', 'exec cell 1', 'read']);
    expect(await page.locator('.row:not(.is-dimmed) .name').allTextContents()).toEqual(['read']);
    await page.keyboard.press('Enter');
    expect(await page.locator('.details h2').textContent()).toBe('read');
    await page.fill('#search', 'there is no such word');
    await expect.poll(() => page.locator('.empty').isVisible()).toBe(true);
  });

  test('hides and shows the rows of a kind', async () => {
    const { page } = await open(failingSession().write());
    await page.locator('.chip.kind-nested').click();
    await expect.poll(() => labels(page)).not.toContain('read');
    await page.locator('.chip.kind-nested').click();
    await expect.poll(() => labels(page)).toContain('read');
  });

  test('is used with the keyboard alone: rows, folding, zoom, back', async () => {
    const { page } = await open(failingSession().write());
    await page.keyboard.press('Home');
    for (let step = 0; step < 4; step += 1) await page.keyboard.press('ArrowDown');
    expect(await page.locator('.details h2').textContent()).toBe('exec cell 1');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => labels(page)).not.toContain('read');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => labels(page)).toContain('read');
    const bar = page.locator('.row.is-selected .bar');
    const before = (await bar.boundingBox())!.width;
    await page.keyboard.press('z');
    await expect.poll(async () => (await bar.boundingBox())!.width).toBeGreaterThan(before * 1.5);
    await page.keyboard.press('0');
    await expect.poll(async () => (await bar.boundingBox())!.width).toBeCloseTo(before, 0);
    await page.keyboard.press('Escape');
    expect(await page.locator('.details h2').textContent()).toBe('Session');
  });

  test('zooms with the wheel around the pointer, and moves when the lanes are dragged', async () => {
    const { page } = await open(failingSession().write());
    const bar = page.locator('.row', { hasText: 'exec cell 1' }).locator('.bar');
    const start = (await bar.boundingBox())!;
    const y = start.y + start.height / 2;
    await page.mouse.move(start.x, y);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -120);
    await page.keyboard.up('Control');
    await expect.poll(async () => (await bar.boundingBox())!.width).toBeGreaterThan(start.width * 1.2);
    const zoomed = (await bar.boundingBox())!;
    expect(Math.abs(zoomed.x - start.x)).toBeLessThan(2);
    await page.mouse.down();
    await page.mouse.move(start.x + 60, y, { steps: 5 });
    await page.mouse.up();
    await expect.poll(async () => (await bar.boundingBox())!.x).toBeGreaterThan(zoomed.x + 40);
  });

  test('shows hostile text as text: nothing of it runs or becomes an element', async () => {
    const { page, noise } = await open(hostileSession().write(), (opening) =>
      opening.addInitScript('window.calls = []; window.hostile = (value) => window.calls.push(value);'),
    );
    const rows = await page.locator('.row').count();
    expect(rows).toBe(8);
    for (let row = 0; row < rows; row += 1) {
      await page.locator('.row .label').nth(row).click();
      expect(await page.locator('#app :is(script, iframe, img, style, a)').count()).toBe(0);
    }
    await page.locator('.row', { hasText: 'exec cell' }).locator('.label').click();
    const shown = await page.locator('.details').textContent();
    for (const text of hostileTexts.slice(0, 6)) expect(shown).toContain(text);
    expect(await page.evaluate('window.calls')).toEqual([]);
    expect(await page.locator('script').count()).toBe(2);
    expect(noise).toEqual([]);
  });

  test('is protected by its policy even if text became markup', async () => {
    const { page } = await open(failingSession().write());
    // A violation is told for each of the three: a handler, a script, a request.
    const outcome = await page.evaluate(`(async () => {
      const calls = [];
      window.hostile = (value) => calls.push(value);
      const refused = [];
      const all = new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
          refused.push(effectiveDirective);
          if (refused.length === 3) resolve();
        });
      });
      document.body.insertAdjacentHTML('beforeend', '<p onclick="hostile(1)" id="bait"></p>');
      document.getElementById('bait').click();
      const script = document.createElement('script');
      script.textContent = 'hostile(2)';
      document.body.append(script);
      const request = await fetch('https://example.invalid/').then(() => 'sent', () => 'refused');
      await all;
      return { calls, request, refused: refused.toSorted() };
    })()`);
    expect(outcome).toEqual({
      calls: [],
      request: 'refused',
      refused: ['connect-src', 'script-src-attr', 'script-src-elem'],
    });
  });

  test('draws only the rows in view of a session with thousands of calls, and reaches the last one', async () => {
    const { page, noise } = await open(largeSession(10, 200).write());
    expect(await page.locator('#row-count').textContent()).toBe('25 of 2025 rows');
    await page.getByRole('button', { name: 'Expand all' }).click();
    await expect.poll(() => page.locator('#row-count').textContent()).toBe('2025 rows');
    expect(await page.locator('.row').count()).toBeLessThan(60);
    await page.keyboard.press('End');
    await expect.poll(() => page.locator('.row').last().locator('.name').textContent()).toBe('assistant');
    await page.fill('#search', 'package-7-133');
    await expect.poll(() => page.locator('#row-count').textContent()).toBe('1 found');
    expect(noise).toEqual([]);
  });

  test('follows the light or dark choice of the system, and the button', async () => {
    const { page } = await open(failingSession().write());
    const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await background();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(background).not.toBe(light);
    const dark = await background();
    await page.locator('#theme').click();
    expect(await background()).toBe(light);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.locator('#theme').click();
    expect(await background()).toBe(dark);
  });

  const agents = realBundles().find(({ name }) => name.startsWith('agents-v2-message-followup'));
  test.skipIf(agents === undefined)(
    'shows spawned threads beside each other, with edges between them, in a recorded session',
    async () => {
      const { page, noise } = await open(agents!.path);
      expect(await page.locator('.row.kind-thread .name').allTextContents()).toEqual([
        '/root',
        '/root/worker',
      ]);
      expect(await page.locator('.edge.spawn').count()).toBe(1);
      expect(await page.locator('.edge.result').count()).toBe(2);
      expect(noise).toEqual([]);
    },
  );
});
