// Command-line flags of the benchmarks: `--name value`, `--name=value` and `--name` alone, checked against what a
// benchmark knows. Two of them hold for all: `--node <major>` runs it on another Node, `--package <folder>` measures
// the built package in that folder instead of this repository's.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { prepareNode } from '../../scripts/other-node.mjs';

/**
 * Reads the flags. `known` maps a name to its default, whose type says how to read it: boolean, number, string, or an
 * array of numbers or of strings (given as a comma-separated list). Exits with 2 and a message on anything else.
 */
export function readFlags(known) {
  const given = process.argv.slice(2);
  const flags = { ...known };
  const passedOn = [];
  let node;
  for (let i = 0; i < given.length; i++) {
    const match = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/.exec(given[i]);
    if (match === null) usage(`unexpected argument ${given[i]}`, known);
    const name = match[1];
    const value = () => match[2] ?? given[++i] ?? usage(`--${name} needs a value`, known);
    if (name === 'node') {
      node = value();
      continue;
    }
    if (name === 'package') {
      process.env.CODECELL_BENCH_PACKAGE = resolve(value());
      continue;
    }
    const fallback = known[name];
    if (fallback === undefined) usage(`unknown flag --${name}`, known);
    if (typeof fallback === 'boolean') {
      flags[name] = true;
      passedOn.push(`--${name}`);
      continue;
    }
    const text = value();
    passedOn.push(`--${name}`, text);
    if (typeof fallback === 'number') flags[name] = wholeNumber(name, text, known);
    else if (!Array.isArray(fallback)) flags[name] = text;
    else {
      const parts = text.split(',').filter((part) => part !== '');
      const numeric = typeof fallback[0] === 'number';
      flags[name] = numeric ? parts.map((part) => wholeNumber(name, part, known)) : parts;
    }
  }
  if (node !== undefined && process.versions.node.split('.')[0] !== node) runOn(node, passedOn);
  return flags;
}

function wholeNumber(name, text, known) {
  if (!/^\d+$/.test(text)) usage(`--${name} takes whole numbers; got ${text}`, known);
  return Number(text);
}

function runOn(major, flags) {
  const measuresOwnPackage = process.env.CODECELL_BENCH_PACKAGE === undefined;
  const { node } = prepareNode(major, { addon: measuresOwnPackage });
  const { npm_config_nodedir: _, ...environment } = process.env;
  // build/Release is of another ABI.
  const env = { ...environment, PREBUILDS_ONLY: '1' };
  const result = spawnSync(node, [...process.execArgv, process.argv[1], ...flags], { stdio: 'inherit', env });
  process.exit(result.status ?? 1);
}

function usage(problem, known) {
  const names = Object.entries(known).map(([name, value]) =>
    typeof value === 'boolean'
      ? `[--${name}]`
      : `[--${name} ${Array.isArray(value) ? value.join(',') : value}]`,
  );
  console.error(`${problem}\nusage: ${[...names, '[--node 24]', '[--package <folder>]'].join(' ')}`);
  process.exit(2);
}
