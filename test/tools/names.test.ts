import { describe, expect, test } from 'vitest';
import { globalName, shortName } from '../../lib/tools/names.js';
import { nearestName } from '../../lib/suggest.js';

describe('globalName', () => {
  test.each([
    ['echo', 'echo'],
    ['$_a9', '$_a9'],
    ['a b', 'a_b'],
    ['a.b', 'a_b'],
    ['a__b', 'a__b'],
    ['1abc', '_abc'],
    ['123', '_23'],
    ['0', '_'],
    ['', '_'],
    ['-', '_'],
    ['--', '__'],
    ['é', '_'],
    ['日本', '__'],
    ['🙂', '_'],
    ['a🙂1', 'a_1'],
    ['\u200c', '_'],
    ['\ud800x', '_x'],
    ['class', 'class'],
    ['toString', 'toString'],
    ['__proto__', '__proto__'],
    ['mcp__a-b__get-profile', 'mcp__a_b__get_profile'],
  ])('of %j is %j', (name, expected) => {
    expect(globalName(name)).toBe(expected);
  });
});

describe('shortName', () => {
  test.each([
    ['read', null, undefined, 'read'],
    ['mcp__a-b__get-profile', 'mcp__a-b', 'get-profile', 'get_profile'],
    ['files__read', 'files', undefined, 'read'],
    ['files_read', 'files', undefined, 'read'],
    ['files.read-all', 'files', undefined, 'read_all'],
    ['files__', 'files', undefined, '_'],
    ['files', 'files', undefined, 'files'],
    ['filesystem', 'files', undefined, 'filesystem'],
    ['read', null, 'host-read', 'read'],
  ])('of %j in %j with tool name %j is %j', (name, namespace, toolName, expected) => {
    expect(shortName(name, namespace, toolName)).toBe(expected);
  });
});

describe('nearestName', () => {
  const names = ['yieldTimeMs', 'heapMb', 'signal', 'tools', 'inputSchema', 'outputSchema'];
  test.each([
    ['yield_time_ms', 'yieldTimeMs'],
    ['yieldTimeMS', 'yieldTimeMs'],
    ['inputShema', 'inputSchema'],
    ['ouptutSchema', 'outputSchema'],
    ['singal', 'signal'],
    ['tool', 'tools'],
    ['banana', undefined],
    ['', undefined],
    ['x'.repeat(10_000), undefined],
  ])('for %j gives %j', (name, expected) => {
    expect(nearestName(name, names)).toBe(expected);
  });
});
