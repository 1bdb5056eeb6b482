/**
 * Owns the stub's command line: llama-server's flags that matter to a supervisor, and flags that order a fault.
 * Flags of llama-server that the stub has no use for are accepted, so that any launch line works.
 */
import { basename } from 'node:path';

export interface StubOptions {
  modelPath: string;
  /** Without `--alias` the name says what it is, so that no view shows a stub as a real model. */
  modelName: string;
  host: string;
  /** 0 lets the system choose; the line `listening on` says which. */
  port: number;
  slotCount: number;
  /** For each slot. */
  contextTokens: number;
  servesMetrics: boolean;
  servesSlots: boolean;
  /** 0 decodes as fast as it can. */
  tokensPerSecond: number;
  startsAsleep: boolean;
  loadMs: number;
  failsLoad: boolean;
  /** Counted from readiness; undefined means never. */
  exitAfterMs: number | undefined;
  exitCode: number;
  ignoresSigterm: boolean;
  /** Answers the first `/health` that says ok, then nothing any more. */
  hangsAfterReady: boolean;
  healthStatus: number;
  /** Takes a generation, keeps its slot busy for ever, decodes nothing. */
  stallsDecode: boolean;
  /** Takes a generation and never begins it: no slot is busy, no token comes, everything else answers. */
  ignoresGenerations: boolean;
}

const ALIASES: Record<string, string> = {
  '-m': '--model',
  '-a': '--alias',
  '-c': '--ctx-size',
  '-np': '--parallel',
};
const SWITCHES = new Set([
  '--metrics',
  '--slots',
  '--no-slots',
  '--sleeping',
  '--fail-load',
  '--ignore-sigterm',
  '--hang-after-ready',
  '--decode-stall',
  '--ignore-generations',
]);
const VALUES = new Set([
  '--model',
  '--alias',
  '--host',
  '--port',
  '--ctx-size',
  '--parallel',
  '--tokens-per-second',
  '--load-ms',
  '--exit-after-ms',
  '--exit-code',
  '--health-status',
]);
/** llama-server's own default with a model that names no longer context, and its default number of slots. */
const DEFAULT_CONTEXT_TOKENS = 2048;
const DEFAULT_SLOTS = 4;

/** @throws Error naming the flag, if a known one has no value or no number where it needs one. */
export function parseStubOptions(argv: readonly string[], log: (line: string) => void): StubOptions {
  const given = readFlags(argv, log);
  const number = (flag: string, fallback: number): number => {
    const value = given.get(flag);
    if (value === undefined) return fallback;
    if (!/^\d+(\.\d+)?$/.test(value))
      throw new Error(`error while handling argument "${flag}": not a number: ${value}`);
    return Number(value);
  };
  const modelPath = given.get('--model') ?? 'stub.gguf';
  const slotCount = number('--parallel', DEFAULT_SLOTS);
  const contextTokens = number('--ctx-size', 0) || DEFAULT_CONTEXT_TOKENS;
  return {
    modelPath,
    modelName: given.get('--alias') ?? `stub:${basename(modelPath)}`,
    host: given.get('--host') ?? '127.0.0.1',
    port: number('--port', 8080),
    slotCount,
    // As llama-server does: slots share one cache unless their number is given.
    contextTokens: given.has('--parallel') ? Math.floor(contextTokens / slotCount) : contextTokens,
    servesMetrics: given.has('--metrics'),
    servesSlots: !given.has('--no-slots'),
    tokensPerSecond: number('--tokens-per-second', 0),
    startsAsleep: given.has('--sleeping'),
    loadMs: number('--load-ms', 0),
    failsLoad: given.has('--fail-load'),
    exitAfterMs: given.has('--exit-after-ms') ? number('--exit-after-ms', 0) : undefined,
    exitCode: number('--exit-code', 1),
    ignoresSigterm: given.has('--ignore-sigterm'),
    hangsAfterReady: given.has('--hang-after-ready'),
    healthStatus: number('--health-status', 200),
    stallsDecode: given.has('--decode-stall'),
    ignoresGenerations: given.has('--ignore-generations'),
  };
}

function readFlags(argv: readonly string[], log: (line: string) => void): Map<string, string> {
  const given = new Map<string, string>();
  for (let i = 0; i < argv.length; i += 1) {
    const written = argv[i] ?? '';
    const flag = ALIASES[written] ?? written;
    const next = argv[i + 1];
    if (SWITCHES.has(flag)) {
      given.set(flag, '');
    } else if (VALUES.has(flag)) {
      if (next === undefined) throw new Error(`error: argument "${written}" expects a value`);
      given.set(flag, next);
      i += 1;
    } else {
      // Whether an unknown flag takes a value is a guess: it does if no flag follows. `-1` is a value.
      const takesValue = next !== undefined && (!next.startsWith('-') || /^-\d/.test(next));
      log(`W srv  stub: ignoring ${takesValue ? `${written} ${next}` : written}`);
      if (takesValue) i += 1;
    }
  }
  return given;
}
