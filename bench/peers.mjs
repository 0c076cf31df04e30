// codecell beside its peers: the same work, fresh processes, taking turns, every round shown, ratios of medians.
//
//   npm run bench:peers -- --rounds 5
//
// The peers are installed into out/bench-peers on first use (isolated-vm is compiled there); one that cannot be had is
// left out, with the reason. `--peers` and `--works` choose.
import { installers } from './peers/cache.mjs';
import { works } from './peers/work.mjs';
import { readFlags } from './support/flags.mjs';
import { runFresh } from './support/processes.mjs';
import { describeEnvironment, printHeading, printTable, ratio, time } from './support/report.mjs';
import { median } from './support/statistics.mjs';

const flags = readFlags({
  rounds: 5,
  peers: ['codecell', 'isolated-vm', 'worker-vm', 'quickjs', 'codex-host'],
  works: Object.keys(works),
  'timeout-s': 120,
  json: false,
});

const peers = [];
const missing = [];
for (const id of flags.peers) {
  try {
    const version = await installers[id]();
    const { name, nodeArgs = [] } = await import(`./peers/${id}.mjs`);
    peers.push({ id, name, version, nodeArgs });
  } catch (error) {
    missing.push({ id, reason: error.message });
  }
}

const environment = await describeEnvironment();
if (!flags.json) {
  printHeading('codecell beside its peers', environment);
  for (const { name, version } of peers) console.log(`${name} ${version}`);
  for (const { id, reason } of missing) console.log(`left out: ${id}: ${reason}`);
}

const results = [];
for (const id of flags.works) {
  const work = works[id];
  const rounds = peers.map(() => []);
  const failures = [];
  for (let round = 0; round < flags.rounds; round++) {
    for (let i = 0; i < peers.length; i++) {
      // Each round begins with another peer.
      const at = (round + i) % peers.length;
      const peer = peers[at];
      if (failures.some((failure) => failure.peer === peer.name)) continue;
      try {
        const options = { nodeArgs: peer.nodeArgs, timeoutMs: flags['timeout-s'] * 1000 };
        const { samples } = await runFresh('programs/peer.mjs', [peer.id, id, work.amount], options);
        rounds[at].push(median(samples));
      } catch (error) {
        failures.push({ peer: peer.name, reason: error.message });
      }
    }
  }
  const own = median(rounds[peers.findIndex((peer) => peer.id === 'codecell')] ?? []);
  const result = {
    work: id,
    unit: work.unit,
    peers: peers.map((peer, at) => ({
      name: peer.name,
      roundsMs: rounds[at],
      medianMs: median(rounds[at]),
      againstCodecell: median(rounds[at]) / own,
    })),
    failures,
  };
  results.push(result);
  if (flags.json) continue;
  console.log(`\n${work.title}, per ${work.unit} (median of each round)`);
  printTable([
    ['peer', ...Array.from({ length: flags.rounds }, (_, i) => `round ${i + 1}`), 'median', 'codecell is'],
    ...result.peers.map((peer) => [
      peer.name,
      ...Array.from({ length: flags.rounds }, (_, i) => time(peer.roundsMs[i] ?? NaN)),
      time(peer.medianMs),
      peer.name === 'codecell' ? '' : comparison(peer.againstCodecell),
    ]),
  ]);
  for (const { peer, reason } of failures) console.log(`${peer} failed: ${reason}`);
}
if (flags.json)
  console.log(JSON.stringify({ benchmark: 'peers', environment, peers, missing, results }, null, 2));

function comparison(factor) {
  if (!Number.isFinite(factor)) return '-';
  return factor >= 1 ? `${ratio(factor)} faster` : `${ratio(1 / factor)} SLOWER`;
}
