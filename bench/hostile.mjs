// Who survives what: hostile scripts on codecell and its peers, each in a fresh process, watched from outside.
//
//   npm run hostile:compare -- [--peers codecell,quickjs] [--only loop] [--isolation thread,process] [--markdown]
//
// `--from a.json,b.json` prints saved runs (of --json) as one table. Every peer is given the same limits through its own means (heap-mb, wall-ms). A script's process is killed when it has no end
// after hang-ms, or more than max-mb of memory. A peer survives a script when the host lives, the script has an end, its
// secrets stay its own, the next exec works and the process can exit. The peers are installed into out/bench-peers on
// first use; one that cannot be had is left out, with the reason. isolated-vm needs Node 22 or newer (`--node 24`).
import { readFileSync } from 'node:fs';
import { installers } from './peers/cache.mjs';
import { programs } from './hostile/programs.mjs';
import { runHostile } from './hostile/run.mjs';
import { readFlags } from './support/flags.mjs';
import { describeEnvironment, printHeading, printTable } from './support/report.mjs';

const names = {
  codecell: 'codecell',
  'codecell-process': 'codecell, process',
  'isolated-vm': 'isolated-vm',
  'worker-vm': 'worker_threads',
  quickjs: 'quickjs-emscripten',
  'codex-host': 'codex-code-mode-host',
};

const flags = readFlags({
  peers: ['codecell', 'isolated-vm', 'worker-vm', 'quickjs', 'codex-host'],
  isolation: ['thread'],
  only: '',
  from: ['', ''].filter(Boolean),
  'heap-mb': 64,
  'wall-ms': 1000,
  'hang-ms': 10_000,
  'max-mb': 2048,
  progress: false,
  markdown: false,
  json: false,
});

const saved = flags.from.map((file) => JSON.parse(readFileSync(file, 'utf8')));
const peers = saved.flatMap((run) => run.peers);
const missing = saved.flatMap((run) => run.missing);
for (const id of saved.length > 0 ? [] : flags.peers) {
  try {
    const version = await installers[id]();
    const { nodeArgs = [] } = await import(`./hostile/peers/${id}.mjs`);
    const isolations = id === 'codecell' ? flags.isolation : [undefined];
    for (const isolation of isolations) {
      const key = isolation === 'process' ? `${id}-process` : id;
      peers.push({ id, key, name: names[key], version, nodeArgs, isolation });
    }
  } catch (error) {
    missing.push({ id, reason: error.message });
  }
}

const environment = saved[0]?.environment ?? (await describeEnvironment());
const chosen = saved.length > 0 ? [] : programs.filter(({ attack }) => attack.includes(flags.only));
const rows = (saved[0]?.rows ?? []).map((row) => {
  const same = saved.map((run) => run.rows.find(({ attack }) => attack === row.attack)?.results);
  return { ...row, results: Object.assign({}, ...same) };
});
for (const { group, attack, source } of chosen) {
  const results = {};
  for (const { id, key, nodeArgs, isolation } of peers) {
    results[key] = await runHostile(id, source, {
      limits: { heapMb: flags['heap-mb'], wallMs: flags['wall-ms'], isolation },
      nodeArgs,
      hangMs: flags['hang-ms'],
      maxBytes: flags['max-mb'] * 2 ** 20,
    });
    if (flags.progress)
      console.error(`${attack} | ${key} | ${describe(results[key])} | ${results[key].words}`);
  }
  rows.push({ group, attack, results });
}

const survived = (key) => rows.filter(({ results }) => results[key].verdict === 'survived').length;
if (flags.json) {
  const { peers: _, from: __, ...options } = flags;
  console.log(JSON.stringify({ environment, options, peers, missing, rows }, null, 2));
} else {
  const table = [
    ['script', ...peers.map(({ name }) => name)],
    ...rows.map(({ attack, results }) => [attack, ...peers.map(({ key }) => describe(results[key]))]),
    [`survived, of ${rows.length}`, ...peers.map(({ key }) => String(survived(key)))],
  ];
  if (flags.markdown) {
    const { node, v8, platform, cores, load } = environment;
    console.log(`Node ${node} (V8 ${v8}), ${platform}, ${cores} cores, load ${load[0]};`);
    console.log(`${peers.map(({ name, version }) => `${name} ${version}`).join(', ')}.\n`);
    for (const [i, row] of table.entries()) {
      console.log(`| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
      if (i === 0) console.log(`|${' --- |'.repeat(row.length)}`);
    }
  } else {
    printHeading('hostile scripts on codecell and its peers', environment);
    for (const { name, version } of peers) console.log(`${name} ${version}`);
    console.log('');
    printTable(table);
  }
  for (const { id, reason } of missing) console.log(`left out: ${id}: ${reason}`);
}

function describe({ verdict, end, lost, ms, lagMs, peakBytes }) {
  const facts = [`${(ms / 1000).toFixed(1)} s`, `${Math.round(peakBytes / 2 ** 20)} MB`];
  if (lagMs > 500) facts.push(`host stood still ${(lagMs / 1000).toFixed(1)} s`);
  const words = verdict === 'survived' ? end + (lost ? ', thread given up' : '') : verdict.toUpperCase();
  return [words, ...facts].join(', ');
}
