// Owns reading a router's list of models: what each is doing, and nothing of the command lines that the list shows.

import * as v from 'valibot';
import { ModelSchema, type Model } from '../../contract/runtime-record.ts';
import { Count } from '../../contract/scalars.ts';
import type { HttpLook } from './http-probe.ts';
import { readJson, type Reading } from './reading.ts';
import { sleepIdleMs } from './llama-idle-rule.ts';

export type RouterModel = {
  id: string;
  aliases: readonly string[];
  state: Model['state'];
  /** The context that it serves with, known while it is loaded. */
  context?: number;
  /** Of a model that failed. */
  exitCode?: number;
  /** When it goes to sleep, in ms of rest; undefined where it never does. */
  sleepIdleMs: number | undefined;
};

const STATES: ReadonlySet<string> = new Set<Model['state']>([
  'unloaded',
  'loading',
  'loaded',
  'sleeping',
  'downloading',
]);

const RouterModelsSchema = v.object({
  data: v.array(
    v.object({
      id: ModelSchema.entries.id,
      aliases: v.optional(v.array(v.string()), []),
      status: v.object({
        value: v.string(),
        failed: v.optional(v.boolean(), false),
        exit_code: v.optional(v.number()),
        args: v.optional(v.array(v.string()), []),
      }),
      meta: v.nullish(v.object({ n_ctx: v.optional(Count) })),
    }),
  ),
});

export function readRouterModels(answer: HttpLook): Reading<RouterModel[]> {
  const body = readJson(answer, RouterModelsSchema);
  if (body.kind === 'unknown') return body;
  return {
    kind: 'known',
    value: body.value.data.map(({ id, aliases, status, meta }) => {
      const failed = status.failed && status.value === 'unloaded';
      return {
        id,
        aliases,
        state: failed ? 'failed' : stateOf(status.value),
        ...(meta?.n_ctx !== undefined && { context: meta.n_ctx }),
        ...(failed && status.exit_code !== undefined && { exitCode: status.exit_code }),
        sleepIdleMs: sleepIdleMs(status.args),
      };
    }),
  };
}

function stateOf(value: string): Model['state'] {
  // A newer build may know more states than we do.
  return isState(value) ? value : 'unknown';
}

function isState(value: string): value is Model['state'] {
  return STATES.has(value);
}
