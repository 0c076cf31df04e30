// One peer at one kind of work, in a process of its own: peer.mjs <peer> <work> <amount>
import { execute, works } from '../peers/work.mjs';

const [peer, work, amount] = process.argv.slice(2);
const { open } = await import(`../peers/${peer}.mjs`);
const { tools, run, warmUp } = works[work];
const { exec, close } = await open({ tools, execute });
// What happens once has happened then: code is loaded, schemas are compiled, pools are full.
await run(exec, warmUp);
await new Promise((resolve) => setTimeout(resolve, 50));
const samples = await run(exec, Number(amount));
await close();
console.log(JSON.stringify({ samples }));
process.exit(0);
