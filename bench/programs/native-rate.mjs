// Bare isolates with a context made and disposed per second: native-rate.mjs <addon> <threads> <milliseconds>
import { loadNativeBenchmarks } from '../support/native-addon.mjs';

const [file, threads, milliseconds] = process.argv.slice(2);
const addon = loadNativeBenchmarks(file);
console.log(JSON.stringify({ perSecond: addon.isolatesPerSecond(Number(threads), Number(milliseconds)) }));
