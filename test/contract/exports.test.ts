import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as codecell from '../../lib/index.js';

const root = new URL('../../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');

/** Names of the types lib/index.ts exports: `export type { A, B }` and `type A` in a mixed list. */
function exportedTypes(): string[] {
  const names: string[] = [];
  for (const [, all, list] of read('lib/index.ts').matchAll(/export (type )?\{([^}]*)\}/g)) {
    for (const item of list!.split(',').map((part) => part.trim())) {
      if (all !== undefined) names.push(item);
      else if (item.startsWith('type ')) names.push(item.slice('type '.length));
    }
  }
  return names.filter((name) => name !== '').sort();
}

describe('the public surface', () => {
  test('is this list of values', () => {
    expect(Object.keys(codecell).sort()).toEqual([
      'CodeModeError',
      'CodeModeService',
      'DEFAULT_LIMITS',
      'defineTool',
    ]);
  });

  test('is this list of types', () => {
    expect(exportedTypes()).toEqual([
      'AnyToolDefinition',
      'AudioItem',
      'CellEnd',
      'CellError',
      'CellErrorCode',
      'CellEvent',
      'CellInfo',
      'CellMetrics',
      'CellStatus',
      'CellYield',
      'CodeModeErrorCode',
      'CodeModeSession',
      'CompletedOutcome',
      'ContentItem',
      'Diagnostic',
      'ExecOptions',
      'FailedOutcome',
      'FreeformToolSpec',
      'FunctionToolSpec',
      'HostProcessCommand',
      'HostProcessOptions',
      'ImageDetail',
      'ImageItem',
      'ImageUrls',
      'InvokeTool',
      'Isolation',
      'JsonSchema',
      'LimitName',
      'Limits',
      'MissingOutcome',
      'ModelCall',
      'ModelCallEnd',
      'ModelCallOptions',
      'ModelCallResult',
      'ModelToolSpecs',
      'NestedToolCall',
      'NestedToolCallStatus',
      'NestedToolInvocation',
      'Notification',
      'ObservedCell',
      'ObservedModelCall',
      'ObservedTool',
      'ObservedToolCall',
      'ObservedWait',
      'OnNotify',
      'OnOutput',
      'Outcome',
      'Profile',
      'RefusedExec',
      'ServiceOptions',
      'ServiceStats',
      'SessionObserver',
      'SessionOptions',
      'StartHostProcess',
      'StartedCell',
      'StartedHostProcess',
      'TerminateOptions',
      'TerminateRequest',
      'TerminatedOutcome',
      'TextItem',
      'ToolCallEnd',
      'ToolCallError',
      'ToolDefinition',
      'ToolExecuteContext',
      'ToolKind',
      'ToolSchema',
      'ToolSpec',
      'ToolSpecOptions',
      'TraceSource',
      'WaitEnd',
      'WaitOptions',
      'YieldedOutcome',
    ]);
  });

  test('has these methods', () => {
    const methods = (object: object) => Object.getOwnPropertyNames(object).sort();
    expect(methods(codecell.CodeModeService.prototype)).toEqual([
      'close',
      'constructor',
      'createSession',
      'stats',
    ]);
    const service = new codecell.CodeModeService({ warmIsolates: 0 });
    expect(methods(Object.getPrototypeOf(service.createSession()) as object)).toEqual([
      'cells',
      'close',
      'constructor',
      'events',
      'exec',
      'handleToolCall',
      'start',
      'storedValues',
      'terminate',
      'toolSpecs',
      'wait',
    ]);
    return service.close();
  });

  test('has no undocumented export', () => {
    const page = read('docs/api.md');
    const names = [...Object.keys(codecell), ...exportedTypes()];
    expect(names.filter((name) => !new RegExp(`\`[^\`]*\\b${name}\\b`).test(page))).toEqual([]);
  });

  test('documents every option, limit and event with its name', () => {
    const page = read('docs/api.md');
    const interfaces: [string, string[]][] = [
      [
        'lib/options.ts',
        [
          'ServiceOptions',
          'SessionOptions',
          'ExecOptions',
          'WaitOptions',
          'TerminateOptions',
          'Notification',
        ],
      ],
      ['lib/limits.ts', ['Limits']],
      ['lib/host/options.ts', ['HostProcessCommand', 'HostProcessOptions', 'StartedHostProcess']],
      ['lib/model/specs.ts', ['ToolSpecOptions']],
      ['lib/model-call.ts', ['ModelCall', 'ModelCallOptions', 'ModelCallResult']],
      ['lib/outcome.ts', ['CellError', 'NestedToolCall', 'CellMetrics']],
      ['lib/cell.ts', ['CellInfo']],
      ['lib/tools/definition.ts', ['ToolDefinition', 'ToolExecuteContext', 'NestedToolInvocation']],
    ];
    const undocumented: string[] = [];
    for (const [file, names] of interfaces) {
      const source = read(file);
      for (const name of names) {
        const body = new RegExp(`interface ${name}\\b[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(source)?.[1];
        expect(body, `${file} has no interface ${name}`).toBeDefined();
        for (const [, field] of body!.matchAll(/^ {2}(\w+)\??:/gm)) {
          if (!page.includes(`\`${field}\``)) undocumented.push(`${name}.${field}`);
        }
      }
    }
    for (const [, type] of read('lib/cell-events.ts').matchAll(/\{ type: '(\w+)'; cellId/g)) {
      if (!page.includes(`\`${type}\``)) undocumented.push(`event ${type}`);
    }
    expect(undocumented).toEqual([]);
  });
});

describe('error codes', () => {
  const codesOf = (file: string, union: string) => {
    const body = new RegExp(`export type ${union} =([\\s\\S]*?);\\n`).exec(read(file))?.[1];
    return [...(body ?? '').matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code!);
  };
  const documented = () => {
    const [host = '', script = '', diagnostics = ''] = ['host', 'script', 'diagnostic'].map((kind) => {
      const section = new RegExp(`<!-- codes: ${kind} -->([\\s\\S]*?)<!-- end -->`).exec(
        read('docs/errors.md'),
      );
      return section?.[1] ?? '';
    });
    const codes = (text: string) => [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code!);
    return { host: codes(host), script: codes(script), diagnostics: codes(diagnostics) };
  };

  test('of rejections are those that docs/errors.md explains', () => {
    const codes = codesOf('lib/errors.ts', 'CodeModeErrorCode');
    expect(codes.length).toBeGreaterThan(10);
    expect(documented().host).toEqual(codes);
  });

  test('of outcomes are those that docs/errors.md explains', () => {
    const codes = codesOf('lib/outcome.ts', 'CellErrorCode');
    expect(codes.length).toBeGreaterThan(10);
    expect(documented().script).toEqual(codes);
  });

  test('of diagnostics are those that docs/errors.md explains', () => {
    const [, union = ''] = /interface Diagnostic \{\s+code:([^;]*);/.exec(read('lib/outcome.ts')) ?? [];
    const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code!);
    expect(codes.length).toBeGreaterThan(3);
    expect(documented().diagnostics).toEqual(codes);
  });
});
