import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { anchorsOf, pages, proseOf, readPage, root } from './pages.js';

/** Targets of a page's links within the repository: `file`, relative to the repository, and `anchor`. */
function linksOf(page: string) {
  return [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/i.test(target))
    .map((target) => {
      const [file = '', anchor] = target.split('#');
      return { file: file === '' ? page : path.posix.join(path.posix.dirname(page), file), anchor };
    });
}

describe.each(pages)('%s', (page) => {
  test('links to pages and headings that exist', () => {
    const broken = linksOf(page).filter(
      ({ file, anchor }) =>
        !existsSync(path.join(root, file)) || (anchor !== undefined && !anchorsOf(file).includes(anchor)),
    );
    expect(broken).toEqual([]);
  });

  test('names source files that exist', () => {
    const named = [
      ...proseOf(page).matchAll(/`((?:lib|native|test|docs|examples|bench|scripts)\/[^`\s]*)`/g),
    ];
    expect(named.map(([, file]) => file!).filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });

  test('names no path of the machine it was written on', () => {
    const paths = /(?<![\w.])\/(?:work|tmp|root|home|Users|opt|mnt)\/|\b[A-Z]:\\|file:\/\//;
    expect(readPage(page).match(paths)?.[0]).toBeUndefined();
  });
});

test('the README links to every page of docs/', () => {
  const linked = linksOf('README.md').map(({ file }) => file);
  const unlinked = pages.filter((page) => page !== 'README.md' && !page.startsWith('docs/decisions/'));
  expect(unlinked.filter((page) => !linked.includes(page))).toEqual([]);
  expect(linked).toContain('docs/decisions');
});
