// Owns what outlives the reporter about one runtime: its spent restarts, the models that it served last, and the child
// that may still be serving.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { startOf } from '../../system/process-identity.ts';
import { SandboxKindSchema } from '../../contract/words.ts';
import { codeOf } from '../errors.ts';
import type { LaunchSpec } from './child.ts';
import type { Remembered, RuntimeState } from './state.ts';
import { AS_MANIFEST, sameVariant, withWish, type Variant } from './variant.ts';

const ChildSchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** When it started, as the system spells it: a number that was given to another process since is not it. */
  start: v.string(),
  /** What it was launched as. */
  command: v.string(),
  args: v.array(v.string()),
  /** `LaunchSpec.asked`. */
  asked: v.optional(v.array(v.string())),
  /** `LaunchSpec.confinedIn`: what it may leave running is to be ended there, whatever the manifest says by then. */
  confined_in: v.optional(SandboxKindSchema),
  started_at_ms: v.number(),
  /** Where this launch's output begins in the runtime's log. */
  log_start_bytes: v.number(),
  preset: v.optional(v.string()),
  sandbox: v.optional(SandboxKindSchema),
});
export type RememberedChild = v.InferOutput<typeof ChildSchema>;

const MemorySchema = v.object({
  spent_at_ms: v.array(v.number()),
  restarts_total: v.number(),
  /** What commands set; left out: as the manifest says. */
  variant: v.optional(v.object({ preset: v.optional(v.string()), sandbox: v.optional(SandboxKindSchema) })),
  budget: v.optional(v.object({ max_restarts: v.number(), window_seconds: v.number() })),
  kept_down: v.optional(v.boolean()),
  draining_since_ms: v.optional(v.number()),
  /** The ids of the models that it served last. */
  models: v.optional(v.array(v.string())),
  child: v.optional(ChildSchema),
});
export type Memory = v.InferOutput<typeof MemorySchema>;

/** What is to be known of a child to adopt it later; undefined where it has ended, or the system does not tell. */
export async function describeChild(
  pid: number,
  spec: LaunchSpec,
  logStartBytes: number,
  variant: Variant,
): Promise<RememberedChild | undefined> {
  const start = await startOf(pid);
  if (start === undefined) return undefined;
  return {
    pid,
    start,
    command: spec.command,
    args: [...spec.args],
    ...(spec.asked && { asked: [...spec.asked] }),
    ...(spec.confinedIn && { confined_in: spec.confinedIn }),
    started_at_ms: Date.now(),
    log_start_bytes: logStartBytes,
    ...variant,
  };
}

const NOTHING: Memory = { spent_at_ms: [], restarts_total: 0 };

export class RuntimeMemory {
  readonly path: string;
  #kept: string;

  constructor(stateDir: string, runtimeId: string) {
    this.path = join(stateDir, 'runtimes', `${runtimeId.replaceAll(':', '_')}.json`);
    this.#kept = '';
  }

  /** What was kept; nothing where there is no file, and `damaged` where it cannot be understood. */
  load(): { memory: Memory; damaged: boolean } {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return { memory: NOTHING, damaged: false };
      throw error;
    }
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), MemorySchema), text);
    return parsed.success ? { memory: parsed.output, damaged: false } : { memory: NOTHING, damaged: true };
  }

  /**
   * Keeps it, whole or not at all, where it differs from what is kept. It changes with a launch, an end, other models and
   * what operators set only, so it is written at once and the loop waits for it.
   * @throws the system's error where the disk refuses.
   */
  save(memory: Memory): void {
    const text = `${JSON.stringify(memory)}\n`;
    if (text === this.#kept) return;
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    writeFileSync(`${this.path}.new`, text, { mode: 0o600 });
    renameSync(`${this.path}.new`, this.path);
    this.#kept = text;
  }
}

/** What of a runtime's state outlives the reporter. */
export function keptState(state: RuntimeState): Memory {
  const { spent, restartsTotal, variant, budget, keptDown, drain } = state;
  return {
    spent_at_ms: [...spent],
    restarts_total: restartsTotal,
    ...(!sameVariant(variant, AS_MANIFEST) && { variant }),
    ...(budget && { budget: { max_restarts: budget.maxRestarts, window_seconds: budget.windowMs / 1000 } }),
    ...(keptDown && { kept_down: true }),
    ...(drain && { draining_since_ms: drain.sinceMs }),
  };
}

export function rememberedState(memory: Memory): Remembered & { variant: Variant } {
  const { budget, kept_down: keptDown, draining_since_ms: drainingSinceMs } = memory;
  return {
    spent: memory.spent_at_ms,
    restartsTotal: memory.restarts_total,
    variant: withWish(AS_MANIFEST, memory.variant),
    ...(budget && { budget: { maxRestarts: budget.max_restarts, windowMs: budget.window_seconds * 1000 } }),
    ...(keptDown === true && { keptDown }),
    ...(drainingSinceMs !== undefined && { drainingSinceMs }),
  };
}
