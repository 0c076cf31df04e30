// Brings the addon and dist/ up to date; does nothing when they are. Runs before `npm start` and `npm test`, and as
// `prepare`. `--addon` and `--lib` name one part only, `--force` rebuilds.
import { existsSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildAddonHere, newest, root, run } from './addon.mjs';

/** The browser part of the trace page: one script and one style sheet, which `renderTraceView` puts into the page. */
async function buildViewer() {
  const { build } = await import('esbuild');
  const source = join(root, 'lib', 'trace', 'view', 'browser');
  await build({
    entryPoints: { viewer: join(source, 'main.ts'), 'viewer-style': join(source, 'style.css') },
    outdir: join(root, 'dist', 'trace', 'view', 'assets'),
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    legalComments: 'none',
    logLevel: 'warning',
  });
}

const flags = new Set(process.argv.slice(2));
const everything = !flags.has('--addon') && !flags.has('--lib');

if (everything || flags.has('--addon')) {
  if (flags.has('--force')) rmSync(join(root, 'build'), { recursive: true, force: true });
  buildAddonHere();
}

if (everything || flags.has('--lib')) {
  const entry = join(root, 'dist', 'index.js');
  const sources = ['lib', 'tsconfig.json', 'tsconfig.build.json'].map((name) => join(root, name));
  const current = existsSync(entry) && statSync(entry).mtimeMs >= newest(...sources);
  if (!current || flags.has('--force')) {
    // Files of removed sources must not stay in the package.
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    run(process.execPath, [tsc, '-p', 'tsconfig.build.json']);
    await buildViewer();
  }
}
