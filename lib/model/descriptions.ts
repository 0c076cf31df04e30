import type { ResolvedTool, ToolProfile, ToolSet } from '../tools/tool-set.js';
import { renderCatalogue } from './catalogue.js';

export interface DescriptionOptions {
  /** Whether exec takes the bare source, or `{ code, ... }`. */
  freeform: boolean;
  /** Tokens for the catalogue of tools. */
  catalogueTokens: number;
  /** Milliseconds before an exec yields when the script does not say. */
  execYieldTimeMs: number;
  /** Milliseconds a wait lasts when the model does not say. */
  waitYieldTimeMs: number;
  /** Tokens of output shown when the model does not say. */
  maxOutputTokens: number;
  /** Whether image() accepts http(s) URLs. */
  remoteImages: boolean;
}

/** A function that every cell has, as its description tells a model. */
export interface HelperDescription {
  name: string;
  signature: string;
  summary: string;
}

/** What ALL_TOOLS shows for a tool. */
export function toolDescription(tool: ResolvedTool): string {
  return tool.description;
}

export function helperDescriptions(options: { remoteImages: boolean }): HelperDescription[] {
  const imageSource = options.remoteImages
    ? 'an http(s) or data: URL'
    : 'a data: URL (http URLs are refused)';
  return [
    {
      name: 'text',
      signature: 'text(value: unknown): void',
      summary: 'shows a value: strings as they are, other values as JSON.',
    },
    {
      name: 'image',
      signature: 'image(source: string | object, detail?: "auto" | "low" | "high" | "original"): void',
      summary: `shows an image: ${imageSource}, \`{ image_url, detail? }\`, or an MCP image block.`,
    },
    {
      name: 'audio',
      signature: 'audio(source: string | object): void',
      summary: 'plays you a clip: a data: URL, `{ audio_url }`, or an MCP audio block.',
    },
    {
      name: 'content',
      signature: 'content(blocks: object | Iterable<object>): void',
      summary: 'shows one or more MCP content blocks, such as `result.content` of an MCP tool.',
    },
    {
      name: 'generatedImage',
      signature: 'generatedImage(result: { image_url: string; output_hint?: string }): void',
      summary: 'shows the result of an image generation tool, hint included.',
    },
    {
      name: 'store',
      signature: 'store(key: string, value: unknown): void',
      summary:
        'keeps a JSON value for later execs. Takes effect when the script ends; lost if it is terminated.',
    },
    {
      name: 'load',
      signature: 'load(key: string): any',
      summary: 'a copy of a stored value, or undefined.',
    },
    {
      name: 'notify',
      signature: 'notify(value: unknown): void',
      summary: 'delivers a text at once, while the script goes on.',
    },
    {
      name: 'yield_control',
      signature: 'yield_control(): void',
      summary: 'hands you the output so far while the script goes on.',
    },
    {
      name: 'exit',
      signature: 'exit(): never',
      summary: 'ends the script at once, as a success.',
    },
    {
      name: 'setTimeout',
      signature: 'setTimeout(callback: () => void, delayMs?: number): number',
      summary: 'runs a callback later. Await a promise for it: timers alone do not keep a script running.',
    },
    {
      name: 'clearTimeout',
      signature: 'clearTimeout(id: number): void',
      summary: 'cancels a timer.',
    },
    {
      name: 'as_settled',
      signature: 'as_settled(promises: Iterable<unknown>): AsyncGenerator<Settled>',
      summary:
        'yields `{ index, status: "fulfilled", value }` or `{ index, status: "rejected", reason }` in the order ' +
        'in which the promises settle; for a Map, `index` is the key.',
    },
    {
      name: 'stream_settled',
      signature:
        'stream_settled(promises: Iterable<unknown>, emit: (settled: Settled) => unknown): Promise<void>',
      summary: 'the same, awaiting `emit` for each record.',
    },
  ];
}

/** The description of `exec`: how to call it, what a script can use, and the catalogue of tools. */
export function execDescription(toolSet: ToolSet, options: DescriptionOptions): string {
  const helpers = helperDescriptions(options).map(
    ({ signature, summary }) => `- \`${signature}\`: ${summary}`,
  );
  const sections = [
    'Runs JavaScript in a fresh, isolated V8 context. Use it to call tools from code: one after the other, many ' +
      'at once, in loops, with results filtered and combined before anything is shown.',
    callingSection(options),
    `## Inside a script\n\n${environmentLines(toolSet.profile, options).join('\n')}`,
    `## Helpers\n\n${helpers.join('\n')}`,
  ];
  if (toolSet.profile === 'default') sections.push(modulesSection(toolSet));
  sections.push(toolsSection(toolSet, options));
  return sections.join('\n\n');
}

function callingSection(options: DescriptionOptions): string {
  const { execYieldTimeMs, maxOutputTokens } = options;
  const defaults = `After ${execYieldTimeMs} ms a script that is still running yields`;
  if (!options.freeform) {
    return (
      'Pass the source as `code`. ' +
      `${defaults} (\`yield_time_ms\`), and at most ${maxOutputTokens} tokens of output are shown ` +
      '(`max_output_tokens`).'
    );
  }
  return (
    'The input is the source itself: no JSON, no quotes around it, no Markdown fence. ' +
    `${defaults}, and at most ${maxOutputTokens} tokens of output are shown; a first line such as ` +
    '`// @exec: {"yield_time_ms": 10000, "max_output_tokens": 1000}` changes either.'
  );
}

function environmentLines(profile: ToolProfile, options: DescriptionOptions): string[] {
  const imports =
    profile === 'default' ? 'Only the modules named below can be imported.' : 'Nothing can be imported.';
  const failure =
    profile === 'default'
      ? 'A tool that fails rejects with an Error; catch it to go on.'
      : 'A tool that fails rejects with its message as a string; catch it to go on.';
  const silence =
    'Only what the helpers are given is shown: the value of the last expression is not, and there is no `console`.';
  return [
    `- The source is an ES module: strict mode, top-level \`await\`, plain JavaScript (no TypeScript, no JSX). ${imports}`,
    `- ${silence}`,
    '- The language is all there is: no Node or browser APIs, no `process`, `require`, `fetch`, file system or network. ' +
      'The outside world is reached through tools only.',
    `- \`await tools.name(input)\` calls a tool. Calls run in parallel when they are started together, for example ` +
      `with \`Promise.all\`. ${failure}`,
    '- Await everything you start: when the main program ends, open calls are cancelled and timers dropped.',
    '- Each exec starts afresh. Variables are gone in the next one; `store` and `load` carry values over.',
    '- A script that is still running when it yields goes on; the answer says `Script running with cell ID N`. ' +
      `Use the \`wait\` tool with that id for the rest (${options.waitYieldTimeMs} ms at a time by default), or to terminate it.`,
  ];
}

function modulesSection(toolSet: ToolSet): string {
  const hasNamespaces = toolSet.tools.some(({ namespace }) => namespace !== null);
  const lines = [
    '- `"tools.js"`: every tool under its name in `tools`, and `ALL_TOOLS`.',
    ...(hasNamespaces
      ? [
          '- `"tools/<namespace>.js"`: the tools of one namespace, without the namespace in front of their names.',
        ]
      : []),
    '- `"@openai/code_mode"`: the helpers, also `output_text` (= `text`) and `output_image` (= `image`).',
  ];
  return `## Modules\n\nWhat is global can also be imported:\n${lines.join('\n')}`;
}

function toolsSection(toolSet: ToolSet, options: DescriptionOptions): string {
  if (toolSet.tools.length === 0) return '## Tools\n\nThere are no tools: `tools` is empty.';
  const catalogue = renderCatalogue(toolSet, options.catalogueTokens);
  return `## Tools\n\nMembers of the global \`tools\`:\n\n${catalogue}`;
}

/** The description of `wait`. */
export function waitDescription(options: DescriptionOptions): string {
  return (
    'Goes on observing a script that `exec` left running ("Script running with cell ID N"). Returns what it has put ' +
    'out since it was last observed, as soon as it ends, yields, or the time is over ' +
    `(default ${options.waitYieldTimeMs} ms); waiting does not stop it. With \`terminate\` it is stopped first, and ` +
    'what it stored is dropped.'
  );
}
