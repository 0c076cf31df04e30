import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** A Chromium of the system, or the one that `CODECELL_CHROMIUM` names. */
export const chromiumPath = [
  process.env['CODECELL_CHROMIUM'],
  ...(process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name))),
].find((path) => path !== undefined && path !== '' && existsSync(path));

/** Goes into the title of a suite that needs Chromium. */
export const chromiumNote =
  chromiumPath === undefined
    ? ' (skipped: there is no chromium in the PATH; CODECELL_CHROMIUM can name one)'
    : '';

export function launchChromium(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('there is no chromium');
  return chromium.launch({
    executablePath: chromiumPath,
    // Its own sandbox cannot be set up by root, as which containers run; the pages are ours.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}
