// Owns how the cuts of all shards become one answer. It is shown again for no longer than the cuts themselves may be, so
// that nobody sees a state that is older than one cut window.

import type * as v from 'valibot';
import { entityTag } from './domain/etag.ts';
import type { Filter, MatrixQuerySchema } from './domain/filter.ts';
import type { CutQuery } from './domain/fragment.ts';
import { isoTime } from './domain/freshness.ts';
import { ttlSeconds } from './domain/settings.ts';
import type { Env } from './env.ts';
import { askAll, type Cut } from './objects/stubs.ts';
import { joinedBody } from './view-body.ts';
import { unreachedMember, unreachedNames } from './unreached.ts';
import { ViewCache, type Body, type Reader, type View } from './view-cache.ts';

type MatrixQuery = v.InferOutput<typeof MatrixQuerySchema>;

const cache = new ViewCache();

export async function matrixView(
  env: Env,
  reader: Reader,
  { view = 'full', limit, cursor, ...filter }: MatrixQuery,
): Promise<View> {
  const ttl = ttlSeconds(env.ARW_RUNTIME_MATRIX_TTL_SEC);
  const isPaged = limit !== undefined || cursor !== undefined;
  // One more than the page shows tells whether another one follows.
  const page = {
    ...(limit !== undefined && { limit: limit + 1 }),
    ...(cursor !== undefined && { after: cursor }),
  };
  return show(env, reader, { view, filter, ...(isPaged && { page }) }, (cuts) => {
    const { items, next } = isPaged
      ? pageOf(cuts, limit)
      : { items: cuts.map(({ body }) => body), next: undefined };
    const cut = {
      ttl_seconds: ttl,
      updated: updatedAt(cuts),
      version: versionOf(cuts),
      versions: byShard(cuts, ({ chain }) => chain?.runtime_matrix ?? 0),
      ...unreachedMember(cuts),
    };
    const rest = JSON.stringify(next === undefined ? cut : { ...cut, next_cursor: next });
    return joinedBody('{"items":{', items, `},${rest.slice(1)}`);
  });
}

export async function supervisorView(env: Env, reader: Reader, filter: Filter): Promise<View> {
  return show(env, reader, { view: 'supervisor', filter }, (cuts) => {
    const about = JSON.stringify({
      updated_at: updatedAt(cuts),
      versions: byShard(cuts, ({ chain }) => chain?.runtime_supervisor ?? 0),
      counts: byShard(cuts, ({ chain }) => chain?.count ?? 0),
      ...unreachedMember(cuts),
    });
    const runtimes = cuts.map(({ body }) => body);
    return joinedBody(`${about.slice(0, -1)},"runtimes":[`, runtimes, ']}');
  });
}

async function show(
  env: Env,
  reader: Reader,
  query: CutQuery,
  assemble: (cuts: readonly Cut[]) => Body,
): Promise<View> {
  return cache.show(JSON.stringify(query), reader, async (now) => {
    const cuts = await askAll(env, (shard, place) => shard.cut(query, place));
    return {
      etag: entityTag([...cuts.map(({ name }) => name), ...unreachedNames(cuts)]),
      until: now + Math.min(...cuts.map(({ showableMs }) => showableMs)),
      body: assemble(cuts),
    };
  });
}

/** The first nodes of all shards together, in the order of their names. */
function pageOf(
  cuts: readonly Cut[],
  limit: number | undefined,
): { items: Uint8Array[]; next: string | undefined } {
  const pages = cuts.flatMap(({ page }) => page ?? []);
  // What a shard left out comes after its last node, so nothing beyond that one can follow here.
  const lasts = pages.flatMap(({ fragments, isCutShort }) => (isCutShort ? fragments.slice(-1) : []));
  const all = pages
    .flatMap(({ fragments }) => fragments)
    .filter(({ node }) => lasts.every((last) => node <= last.node))
    .toSorted((a, b) => (a.node < b.node ? -1 : 1));
  const shown = all.slice(0, limit);
  const hasMore = shown.length < all.length || lasts.length > 0;
  const items = [new TextEncoder().encode(shown.map(({ text }) => text).join(','))];
  return { items, next: hasMore ? shown.at(-1)?.node : undefined };
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
