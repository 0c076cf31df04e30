// Makes a service, runs cells of many kinds in it and closes it, again and again, and ends; under LeakSanitizer whatever is
// lost on the way is reported: leak-program.mjs <cells>
import { CodeModeService } from '../../dist/index.js';

const sources = [
  'text((await tools.echo({ a: 1 })).a)',
  'store("k", "v".repeat(1000)); text(load("k")); text(load("missing") ?? "none")',
  'await Promise.all(Array.from({ length: 50 }, () => tools.echo({})))',
  'for await (const one of as_settled([tools.echo({}), Promise.reject(1)])) text(one)',
  'image("data:image/png;base64,AAAA"); audio("data:audio/wav;base64,AAAA"); notify("n"); text(new Map([[1, 2]]))',
  'setTimeout(() => {}, 1e6); clearTimeout(setTimeout(() => {}, 5)); await new Promise((r) => setTimeout(r, 1)); exit()',
  'void tools.echo({}); void Promise.reject(new Error("unhandled")); throw new TypeError("thrown")',
  'let let',
  'import "node:fs"',
  'await new Promise(() => {})',
  'const { echo } = await import("tools.js"); text(await echo({}))',
  'for (;;);',
  'const a = []; for (;;) a.push({})',
];
const service = new CodeModeService({ warmIsolates: 1, limits: { wallMs: 100, heapMb: 16 } });
const tools = [{ name: 'echo', description: 'Answers.', execute: (input) => input ?? null }];
for (let i = 0; i < Number(process.argv[2]); i += 30) {
  const session = service.createSession({ tools, onNotify: () => {}, storedValues: { a: 1 } });
  await Promise.all(Array.from({ length: 30 }, (_, j) => session.exec(sources[(i + j) % sources.length])));
  await session.close();
}
await service.close();
