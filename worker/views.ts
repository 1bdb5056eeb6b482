// Owns how the cuts of all shards become one answer, and how long an isolate may show it again: never longer than the
// cuts themselves may be shown, so that nobody sees a state that is older than one cut window.

import type * as v from 'valibot';
import { entityTag } from './domain/etag.ts';
import type { Filter, MatrixQuerySchema } from './domain/filter.ts';
import type { CutQuery, Fragment } from './domain/fragment.ts';
import { isoTime } from './domain/freshness.ts';
import { ttlSeconds } from './domain/settings.ts';
import type { Env } from './env.ts';
import { askAll, type Cut } from './objects/stubs.ts';

export type View = { body: string; etag: string };

type MatrixQuery = v.InferOutput<typeof MatrixQuerySchema>;

/** Filters make many views; the oldest one makes room. */
const MAX_KEPT = 32;

/** Plain data only: a promise of one request must not be awaited by another. */
const kept = new Map<string, View & { until: number }>();

export async function matrixView(
  env: Env,
  { view = 'full', limit, cursor, ...filter }: MatrixQuery,
): Promise<View> {
  const ttl = ttlSeconds(env.ARW_RUNTIME_MATRIX_TTL_SEC);
  const isPaged = limit !== undefined || cursor !== undefined;
  // One more than the page shows tells whether another one follows.
  const page = {
    ...(limit !== undefined && { limit: limit + 1 }),
    ...(cursor !== undefined && { after: cursor }),
  };
  return show(env, { view, filter, ...(isPaged && { page }) }, (cuts) => {
    const { items, next } = isPaged
      ? pageOf(cuts, limit)
      : { items: joined(cuts.map(({ fragment }) => fragment)), next: undefined };
    const cut = {
      ttl_seconds: ttl,
      updated: updatedAt(cuts),
      version: versionOf(cuts),
      versions: byShard(cuts, ({ chain }) => chain?.runtime_matrix ?? 0),
    };
    const rest = JSON.stringify(next === undefined ? cut : { ...cut, next_cursor: next });
    return `{"items":{${items}},${rest.slice(1)}`;
  });
}

export async function supervisorView(env: Env, filter: Filter): Promise<View> {
  return show(env, { view: 'supervisor', filter }, (cuts) => {
    const runtimes = joined(cuts.map(({ fragment }) => fragment));
    const cut = {
      updated_at: updatedAt(cuts),
      versions: byShard(cuts, ({ chain }) => chain?.runtime_supervisor ?? 0),
      counts: byShard(cuts, ({ chain }) => chain?.count ?? 0),
    };
    return `${JSON.stringify(cut).slice(0, -1)},"runtimes":[${runtimes}]}`;
  });
}

async function show(env: Env, query: CutQuery, assemble: (cuts: readonly Cut[]) => string): Promise<View> {
  const key = JSON.stringify(query);
  // Before the question: what the way takes counts against the time that the answer may be shown.
  const now = Date.now();
  const before = kept.get(key);
  if (before !== undefined && now < before.until) return before;
  const cuts = await askAll(env, (shard, place) => shard.cut(query, place));
  const until = now + Math.min(...cuts.map(({ showableMs }) => showableMs));
  const view = { body: assemble(cuts), etag: entityTag(cuts.map(({ name }) => name)), until };
  kept.delete(key);
  kept.set(key, view);
  const [oldest] = kept.keys();
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  return view;
}

/** The first nodes of all shards together, in the order of their names. */
function pageOf(
  cuts: readonly Cut[],
  limit: number | undefined,
): { items: string; next: string | undefined } {
  const all = cuts
    .flatMap(({ page }): Fragment[] => page ?? [])
    .toSorted((a, b) => (a.node < b.node ? -1 : 1));
  const shown = all.slice(0, limit);
  const next = shown.length < all.length ? shown.at(-1)?.node : undefined;
  return { items: joined(shown.map(({ text }) => text)), next };
}

function joined(fragments: readonly string[]): string {
  return fragments.filter((fragment) => fragment !== '').join(',');
}

/** Shards are asked, and named, in the order of their numbers. */
function byShard(cuts: readonly Cut[], figure: (cut: Cut) => number): Record<string, number> {
  return Object.fromEntries(cuts.map((cut, index) => [String(index), figure(cut)]));
}

/** The oldest cut: nothing in the answer is older. */
function updatedAt(cuts: readonly Cut[]): string {
  return isoTime(Math.min(...cuts.map(({ at }) => at)));
}

/** Each shard's version only grows, so the sum grows whenever one of them does. */
function versionOf(cuts: readonly Cut[]): number {
  return cuts.reduce((sum, { name }) => sum + name.version, 0);
}
