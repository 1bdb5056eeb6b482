// Owns a client that loads a read model once and follows its patches, exactly by the rule of docs/api.md.

import { applyPatch } from 'rfc6902';
import type { Grid } from '../../contract/grid.ts';
import type { Matrix, MatrixItem, Supervisor } from '../../contract/read-models.ts';
import type { EventPayload } from '../../contract/events.ts';

export type PatchPayload = EventPayload<'state.read.model.patch'>;
type Model = Matrix | Supervisor | Grid;

/** `loaded` is changed in place. @returns what the patch did; `reload` where it does not fit, and then nothing was done. */
export function follow(
  loaded: Model,
  { shard, base, version, patch }: PatchPayload,
): 'contained' | 'applied' | 'reload' {
  const versions = (loaded.versions ??= {});
  const own = versions[shard] ?? 0;
  if (version <= own) return 'contained';
  if (base !== own) return 'reload';
  const counts = countsOf(loaded);
  const before = recordsBefore(counts, shard);
  const operations = patch.map((operation) => ({
    ...operation,
    path: operation.path.replace(/^\/runtimes\/(\d+)/, (_, place) => `/runtimes/${Number(place) + before}`),
  }));
  for (const failure of applyPatch(loaded, operations)) {
    if (failure !== null) throw failure;
  }
  versions[shard] = version;
  const change = patch.filter(isWholeRecord).map(({ op }) => (op === 'add' ? 1 : op === 'remove' ? -1 : 0));
  counts[shard] = change.reduce<number>((sum, by) => sum + by, counts[shard] ?? 0);
  return 'applied';
}

/** What two readers have in common who have read the same: all but what the clock alone has moved. */
export function timeless(model: Model): unknown {
  const { updated: _updated, updated_at: _updatedAt, version: _version, ...rest } = structuredClone(model);
  if (!isMatrix(model)) return rest;
  return { ...rest, items: Object.fromEntries(Object.entries(model.items).map(ageless)) };
}

/** The others have none: the paths of a matrix name nodes, and the grid is one part. */
function countsOf(model: Model): Record<string, number> {
  return isSupervisor(model) ? (model.counts ??= {}) : {};
}

function isMatrix(model: Model): model is Matrix {
  return 'items' in model;
}

function isSupervisor(model: Model): model is Supervisor {
  return 'runtimes' in model;
}

function ageless([node, { age_seconds: _age, ...item }]: [string, MatrixItem]): [string, object] {
  return [node, item];
}

function isWholeRecord({ path }: PatchPayload['patch'][number]): boolean {
  return /^\/runtimes\/\d+$/.test(path);
}

function recordsBefore(counts: Record<string, number>, shard: string): number {
  return Object.entries(counts).reduce(
    (sum, [other, n]) => (Number(other) < Number(shard) ? sum + n : sum),
    0,
  );
}
