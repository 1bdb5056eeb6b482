// Owns under which names a model of a runtime may be asked for, and how exactly a name fits: the gateway of a node and the
// hub must mean the same by it. Pure.

import type { Model } from './runtime-record.ts';

/** How a name fits a runtime: the lower the rank, the more exact. `model` where the name leads to one. */
export type NameMatch = { rank: number; model: Model | undefined; rest?: string };

/** @returns undefined where the name means nothing here. */
export function matchModelName(
  name: string,
  { id, models }: { id: string; models: readonly Model[] },
): NameMatch | undefined {
  const exact = models.find((model) => model.id === name);
  if (exact) return { rank: 0, model: exact };
  if (name.startsWith(`${id}/`)) {
    const rest = name.slice(id.length + 1);
    const qualified = models.find((model) => namesOf(model).includes(rest));
    if (qualified) return { rank: 1, model: qualified };
    // A program of which no model is known may well know this one.
    if (models.length === 0) return { rank: 1, model: undefined, rest };
  }
  if (name === id) {
    const loaded = models.filter((model) => model.state === 'loaded');
    return { rank: 2, model: models.length === 1 ? models[0] : loaded.length === 1 ? loaded[0] : undefined };
  }
  const short = models.find((model) => namesOf(model).includes(name));
  return short && { rank: 3, model: short };
}

/** True where a request for it would load it first. */
export function mustLoad(model: Pick<Model, 'state'> | undefined): boolean {
  return model !== undefined && model.state !== 'loaded' && model.state !== 'sleeping';
}

/** `/models/qwen.gguf` is also `qwen.gguf` and `qwen`. */
function namesOf({ id }: Model): string[] {
  const base = id.slice(id.lastIndexOf('/') + 1);
  return [id, base, base.replace(/\.gguf$/i, '')];
}
