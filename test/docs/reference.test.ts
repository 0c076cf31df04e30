import path from 'node:path';
import ts from 'typescript';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CodeModeService, DEFAULT_LIMITS, type Profile } from '../../lib/index.js';
import { helperDescriptions } from '../../lib/model/descriptions.js';
import { proseOf, readPage, root, tableRows } from './pages.js';

/** What a page sets in inline code, a line each. */
function names(page: string): string {
  return [...proseOf(page).matchAll(/`([^`]+)`/g)].map(([, code]) => code!).join('\n');
}

/** Members of our own types that lib/index.ts exports, as `Type.member`; what a class inherits is left out. */
function publicMembers(): string[] {
  const entry = path.join(root, 'lib', 'index.ts');
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file)).config,
    ts.sys,
    root,
  );
  const program = ts.createProgram([entry], options);
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
  const isOurs = (symbol: ts.Symbol) =>
    symbol.declarations?.some(({ parent }) => {
      const file = parent.getSourceFile();
      return file.fileName.startsWith(path.join(root, 'lib').split(path.sep).join('/'));
    }) ?? false;
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    if (!(symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Class | ts.SymbolFlags.TypeAlias)))
      return [];
    return checker
      .getDeclaredTypeOfSymbol(symbol)
      .getProperties()
      .filter((member) => isOurs(member) && /^\w+$/.test(member.name) && !member.name.startsWith('__'))
      .map((member) => `${exported.name}.${member.name}`);
  });
}

describe('docs/api.md', () => {
  test('names every option, field and method of the exported types', () => {
    const documented = names('docs/api.md');
    const members = publicMembers();
    expect(members.length).toBeGreaterThan(100);
    // The wire format's own fields belong to the Responses API, and are named as a whole.
    const foreign = /^(FreeformToolSpec|FunctionToolSpec|ToolSpec|ModelToolSpecs|JsonSchema|ToolSchema)\./;
    const unnamed = members
      .filter((member) => !foreign.test(member))
      .filter((member) => !new RegExp(`\\b${member.split('.')[1]}\\b`).test(documented));
    expect(unnamed).toEqual([]);
  });
});

/** `64 MiB`, `1,000,000`, `off` as numbers. */
function readAmount(text: string): number {
  if (text === 'off') return 0;
  const [, amount = '', unit] = /^([\d,]+)( MiB)?$/.exec(text) ?? [];
  return Number(amount.replaceAll(',', '')) * (unit === undefined ? 1 : 2 ** 20);
}

describe('docs/limits.md', () => {
  test('lists every limit with its default, its unit and a code that is explained', () => {
    const rows = tableRows('docs/limits.md', 'limits');
    const defaults = rows.map(([limit = '', , amount = '']) => [
      limit.replaceAll('`', ''),
      readAmount(amount),
    ]);
    expect(Object.fromEntries(defaults)).toEqual(DEFAULT_LIMITS);
    const unitOf = (limit: string) => /(Mb|Ms|Bytes|Items|Calls)`$/.exec(limit)?.[1];
    const units: Record<string, string> = {
      Mb: 'MiB',
      Ms: 'ms',
      Bytes: 'bytes',
      Items: 'items',
      Calls: 'calls',
    };
    for (const [limit = '', unit, , code = ''] of rows) {
      expect({ limit, unit }).toEqual({
        limit,
        unit: units[unitOf(limit.replace(/^`toolCalls`$/, '`Calls`')) ?? ''],
      });
      if (code !== 'none') expect(readPage('docs/errors.md')).toContain(`| ${code} |`);
    }
  });

  test('says of every limit what is counted, and where', () => {
    const page = readPage('docs/limits.md');
    for (const limit of Object.keys(DEFAULT_LIMITS)) {
      expect(page).toMatch(
        new RegExp(`^\\| \`${limit}\` \\| [^|]+ \\| \`(lib|native)/[\\w/.-]+\` \\|$`, 'm'),
      );
    }
  });

  test('agrees with docs/api.md on defaults and codes', () => {
    const api = readPage('docs/api.md');
    for (const [limit, , amount, code] of tableRows('docs/limits.md', 'limits')) {
      const [, inApi, , codeInApi] =
        new RegExp(`^\\| ${limit} \\| ([^|]*) \\| ([^|]*) \\| ([^|]*) \\|$`, 'm').exec(api) ?? [];
      expect([limit, readAmount(inApi ?? ''), codeInApi]).toEqual([limit, readAmount(amount ?? ''), code]);
    }
  });
});

describe.each<Profile>(['default', 'codex'])('the globals of a cell in profile %s', (profile) => {
  async function globals(): Promise<string[]> {
    const service = new CodeModeService({ warmIsolates: 0 });
    onTestFinished(() => service.close());
    const outcome = await service.createSession({ profile }).exec('text(Object.keys(globalThis))');
    const [item] = outcome.contentItems;
    return JSON.parse(item?.type === 'input_text' ? item.text : '[]') as string[];
  }

  test('are the helpers that the model is told of, tools and ALL_TOOLS', async () => {
    const described = helperDescriptions({ remoteImages: true }).map(({ name }) => name);
    expect([...described, 'tools', 'ALL_TOOLS'].sort()).toEqual((await globals()).sort());
  });

  test.each(['README.md', 'docs/security.md'])('are named in %s', async (page) => {
    const documented = names(page).split('\n');
    expect((await globals()).filter((name) => !documented.includes(name))).toEqual([]);
  });

  test('include nothing of what docs/security.md says is absent', async () => {
    const [, list = ''] =
      /There is no (`process`[\s\S]*?)\. `import`/.exec(readPage('docs/security.md')) ?? [];
    const absent = [...list.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
    expect(absent.length).toBeGreaterThan(10);
    const service = new CodeModeService({ warmIsolates: 0 });
    onTestFinished(() => service.close());
    const source = `text(${JSON.stringify(absent)}.filter((name) => name in globalThis))`;
    const outcome = await service.createSession({ profile }).exec(source);
    expect(outcome.contentItems).toEqual([{ type: 'input_text', text: '[]' }]);
  });
});
