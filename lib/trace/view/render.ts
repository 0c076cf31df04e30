import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../package-root.js';
import type { ReducedBundle } from '../bundle.js';
import type { PayloadLookup } from '../payload-files.js';
import { buildDocument } from './build-document.js';
import type { ViewDocument } from './document.js';

export interface TraceViewOptions {
  /**
   * Gives the payloads that the state refers to: `payloadLookup(path, state)`. Without it, arguments, results and
   * output are not on the page.
   */
  payload?: PayloadLookup;
  /** Heading of the page. Default: the id of the rollout. */
  title?: string;
  /** Longer texts are cut, and say so; characters each. Default 100000. */
  textLimit?: number;
}

/**
 * Draws a reduced bundle as one HTML page: a timeline of threads, turns, inference calls, cells, tool calls and
 * waits with all that is known of each. The page needs no network and runs no script but its own; whatever the
 * trace holds is shown as text.
 */
export async function renderTraceView(
  bundle: ReducedBundle,
  options: TraceViewOptions = {},
): Promise<string> {
  const { payload = () => undefined, title = bundle.state.rollout_id, textLimit = 100_000 } = options;
  const document = buildDocument(bundle, { payload, title, textLimit });
  const [script, style] = await Promise.all([readAsset('viewer.js'), readAsset('viewer-style.css')]);
  return page(document, script, style);
}

/** Made by the build from browser/. */
function readAsset(name: string): Promise<string> {
  return readFile(join(packageRoot, 'dist', 'trace', 'view', 'assets', name), 'utf8');
}

function page(document: ViewDocument, script: string, style: string): string {
  // Only these two texts may act; nothing may be loaded, sent or framed.
  const policy = [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>codecell trace</title>
<style>${style}</style>
</head>
<body>
<div id="app"></div>
<noscript>This page draws the trace with its own script, which is switched off.</noscript>
<script type="application/json" id="trace">${embed(document)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}`;
}

const escapes: Record<string, string> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** JSON that cannot end the element it stands in. */
function embed(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => escapes[character]!);
}
