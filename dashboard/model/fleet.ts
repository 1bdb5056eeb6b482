// Owns what is known of the fleet: one signal for each node, so that news of one draws one again. Loaded once, and kept
// equal to the hub by its patches.

import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import * as v from 'valibot';
import type { EventPayload, PatchOperation } from '../../contract/events.ts';
import { MatrixItemSchema, type Matrix, type MatrixItem } from '../../contract/read-models.ts';
import { keepSame, patchedAt, PatchMismatch, tokensOf } from '../view-model/patch.ts';
import { patchOrder } from '../view-model/patch-order.ts';
import { hubNow } from './clock.ts';

export type FleetNode = {
  name: string;
  item: ReadonlySignal<MatrixItem>;
  /** Nothing was heard of it for its TTL, by the hub's clock, whether the hub has said so yet or not. */
  isSilent: ReadonlySignal<boolean>;
};

/** Who is told of every word of a node, of the moment from which it is silent (ms), and that it is gone. */
export type NodeWatcher = {
  heard(item: MatrixItem): void;
  silent(node: string, sinceMs: number): void;
  gone(node: string): void;
};

type Kept = { node: FleetNode; item: Signal<MatrixItem>; end: () => void };
export type MatrixPatch = EventPayload<'state.read.model.patch'>;

const DEFAULT_TTL_SECONDS = 60;

const kept = new Map<string, Kept>();
const watchers: NodeWatcher[] = [];
const names = signal<readonly string[]>([]);
const loaded = signal(false);
const ttl = signal(DEFAULT_TTL_SECONDS);
let versions: Record<string, number> = {};

/** In order; another list only where a node came or went. */
export const nodeNames: ReadonlySignal<readonly string[]> = names;
/** False until the fleet was read for the first time. */
export const isLoaded: ReadonlySignal<boolean> = loaded;
export const ttlSeconds: ReadonlySignal<number> = ttl;

export function nodeOf(name: string): FleetNode | undefined {
  return kept.get(name)?.node;
}

export function watchNodes(watcher: NodeWatcher): void {
  watchers.push(watcher);
}

/** Whether what was answered is older than what patches have led to: the hub may show an answer again for 250 ms. */
export function isBehind(matrix: Matrix): boolean {
  return Object.entries(matrix.versions ?? {}).some(([shard, version]) => version < (versions[shard] ?? 0));
}

/** All of it, as the hub has it. */
export function load(matrix: Matrix): void {
  versions = { ...matrix.versions };
  batch(() => {
    for (const name of kept.keys()) if (!Object.hasOwn(matrix.items, name)) forget(name);
    for (const [name, item] of Object.entries(matrix.items)) put(name, item);
    ttl.value = matrix.ttl_seconds;
    tellNames();
    loaded.value = true;
  });
}

/** @returns false where it does not fit what is known: load again. */
export function applyPatch(payload: MatrixPatch): boolean {
  if (payload.id !== 'runtime_matrix') return true;
  const order = patchOrder(versions, payload);
  if (order !== 'next') return order === 'contained';
  const items = patchedItems(payload.patch);
  if (items === undefined) return false;
  batch(() => {
    for (const [name, item] of items) {
      if (item === undefined) forget(name);
      else put(name, item);
    }
    tellNames();
  });
  versions[payload.shard] = payload.version;
  return true;
}

/** The nodes that a patch touches as it leaves them, undefined where they are gone; no map where it does not fit. */
function patchedItems(
  patch: readonly PatchOperation[],
): ReadonlyMap<string, MatrixItem | undefined> | undefined {
  const drafts = new Map<string, unknown>();
  try {
    for (const operation of patch) {
      const [member, name, ...rest] = tokensOf(operation.path);
      // What else a matrix says is of the load.
      if (member !== 'items' || name === undefined) continue;
      if (rest.length === 0) drafts.set(name, operation.op === 'remove' ? undefined : operation.value);
      else {
        const draft = drafts.has(name) ? drafts.get(name) : kept.get(name)?.item.peek();
        drafts.set(name, patchedAt(draft, rest, operation));
      }
    }
  } catch (error) {
    if (!(error instanceof PatchMismatch)) throw error;
    return undefined;
  }
  const items = new Map<string, MatrixItem | undefined>();
  for (const [name, draft] of drafts) {
    if (draft !== undefined && !v.is(MatrixItemSchema, draft)) return undefined;
    items.set(name, draft);
  }
  return items;
}

function put(name: string, item: MatrixItem): void {
  const before = kept.get(name);
  if (before === undefined) {
    kept.set(name, keep(name, item));
  } else {
    // Its age is of the load, and told nowhere: it must not draw anything again.
    const { age_seconds } = before.item.peek();
    before.item.value = keepSame(before.item.peek(), { ...item, age_seconds });
  }
}

function keep(name: string, first: MatrixItem): Kept {
  const item = signal(first);
  const expiresAt = computed(() => Date.parse(item.value.expires_at));
  const isSilent = computed(() => item.value.stale || hubNow.value >= expiresAt.value);
  const ends = [
    effect(() => {
      const word = item.value;
      if (!word.stale) for (const watcher of watchers) watcher.heard(word);
    }),
    effect(() => {
      if (isSilent.value) for (const watcher of watchers) watcher.silent(name, expiresAt.peek());
    }),
  ];
  return { node: { name, item, isSilent }, item, end: () => ends.forEach((end) => end()) };
}

function forget(name: string): void {
  kept.get(name)?.end();
  if (kept.delete(name)) for (const watcher of watchers) watcher.gone(name);
}

function tellNames(): void {
  const before = names.peek();
  if (before.length === kept.size && before.every((name) => kept.has(name))) return;
  names.value = [...kept.keys()].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
