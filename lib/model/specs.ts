import { flag, readOptions, wholeNumber } from '../option-reader.js';
import type { ToolSet } from '../tools/tool-set.js';
import { DEFAULT_CATALOGUE_TOKENS } from './catalogue.js';
import { execDescription, waitDescription, type DescriptionOptions } from './descriptions.js';
import { DEFAULT_MAX_OUTPUT_TOKENS } from './truncation.js';

export interface ToolSpecOptions {
  /** `exec` as a freeform tool with a grammar (default), or as a function of `{ code, ... }`. */
  freeform?: boolean;
  /** Tokens that the catalogue of tools may take in exec's description. Default 8000. */
  catalogueTokens?: number;
}

/** What holds for the session, as far as the texts name it. */
export interface ToolSpecDefaults {
  /** Milliseconds before a model's exec yields. Default 30,000. */
  execYieldTimeMs?: number;
  /** Milliseconds that a model's wait lasts. Default 10,000. */
  waitYieldTimeMs?: number;
  /** Tokens of output shown. Default 10,000. */
  maxOutputTokens?: number;
  /** Whether image() accepts http(s) URLs. Default: the profile's own. */
  remoteImages?: boolean;
}

/** A freeform tool of the Responses API. */
export interface FreeformToolSpec {
  type: 'custom';
  name: string;
  description: string;
  format: { type: 'grammar'; syntax: 'lark'; definition: string };
}

/** A function tool of the Responses API. */
export interface FunctionToolSpec {
  type: 'function';
  name: string;
  description: string;
  parameters: {
    type: 'object';
    properties: Record<string, { type: string; description: string; minimum?: number }>;
    required: string[];
    additionalProperties: false;
  };
  strict: false;
}

export type ToolSpec = FreeformToolSpec | FunctionToolSpec;

/** The specs of `exec` and `wait`, in this order. */
export type ModelToolSpecs = [exec: ToolSpec, wait: FunctionToolSpec];

/** An optional pragma line, then source; exec itself judges both. */
export const EXEC_GRAMMAR = [
  'start: pragma? SOURCE',
  'pragma: PRAGMA LINE_END',
  'PRAGMA: /[ \\t]*\\/\\/ @exec:[^\\r\\n]*/',
  'LINE_END: /\\r?\\n/',
  'SOURCE: /[\\s\\S]+/',
  '',
].join('\n');

/**
 * What to hand to a model: the specs of `exec` and `wait`, in the wire format of the Responses API.
 * Throws `INVALID_OPTION`.
 */
export function modelToolSpecs(
  toolSet: ToolSet,
  options: ToolSpecOptions = {},
  defaults: ToolSpecDefaults = {},
): ModelToolSpecs {
  const given = readOptions(options, 'toolSpecs options', ['freeform', 'catalogueTokens']);
  const resolved: DescriptionOptions = {
    freeform: flag(given['freeform'], 'freeform', true),
    catalogueTokens: wholeNumber(
      given['catalogueTokens'],
      'catalogueTokens',
      DEFAULT_CATALOGUE_TOKENS,
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    execYieldTimeMs: defaults.execYieldTimeMs ?? 30_000,
    waitYieldTimeMs: defaults.waitYieldTimeMs ?? 10_000,
    maxOutputTokens: defaults.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS,
    remoteImages: defaults.remoteImages ?? toolSet.profile === 'default',
  };
  return [
    resolved.freeform ? execFreeform(toolSet, resolved) : execFunction(toolSet, resolved),
    waitSpec(resolved),
  ];
}

function execFreeform(toolSet: ToolSet, options: DescriptionOptions): FreeformToolSpec {
  return {
    type: 'custom',
    name: 'exec',
    description: execDescription(toolSet, options),
    format: { type: 'grammar', syntax: 'lark', definition: EXEC_GRAMMAR },
  };
}

function execFunction(toolSet: ToolSet, options: DescriptionOptions): FunctionToolSpec {
  return functionSpec('exec', execDescription(toolSet, options), ['code'], {
    code: { type: 'string', description: 'JavaScript source of an ES module.' },
    yield_time_ms: {
      type: 'integer',
      description: `Milliseconds before the answer comes even if the script is still running. Default ${options.execYieldTimeMs}.`,
      minimum: 0,
    },
    max_output_tokens: {
      type: 'integer',
      description: `Tokens of output shown; the middle of what is longer is left out. Default ${options.maxOutputTokens}.`,
      minimum: 0,
    },
  });
}

function waitSpec(options: DescriptionOptions): FunctionToolSpec {
  return functionSpec('wait', waitDescription(options), ['cell_id'], {
    cell_id: { type: 'string', description: 'The id from "Script running with cell ID N".' },
    yield_time_ms: {
      type: 'integer',
      description: `Milliseconds to wait at most. Default ${options.waitYieldTimeMs}.`,
      minimum: 0,
    },
    max_tokens: {
      type: 'integer',
      description: `Tokens of output shown. Default ${options.maxOutputTokens}.`,
      minimum: 0,
    },
    terminate: { type: 'boolean', description: 'Stop the script. Default false.' },
  });
}

function functionSpec(
  name: string,
  description: string,
  required: string[],
  properties: FunctionToolSpec['parameters']['properties'],
): FunctionToolSpec {
  return {
    type: 'function',
    name,
    description,
    parameters: { type: 'object', properties, required, additionalProperties: false },
    strict: false,
  };
}
