// A client that loads the read models once and follows the patches of three shards has what a reload has.

import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVENT_PAYLOADS } from '../../contract/events.ts';
import { GridSchema, type Grid } from '../../contract/grid.ts';
import { MatrixSchema, SupervisorSchema, type Matrix, type Supervisor } from '../../contract/read-models.ts';
import { SseReader } from '../support/event-reader.ts';
import { Hub, until } from '../support/hub.ts';
import { follow, timeless } from '../support/patched-model.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const SHARDS = 3;
const NODES = Array.from({ length: 9 }, (_, index) => `n${index}`);
const MODELS = ['runtime_matrix', 'runtime_supervisor', 'runtime_grid'] as const;
type Model = (typeof MODELS)[number];

let hub: Hub;
const tokens = new Map<string, string>();
let seq = 0;
beforeAll(async () => {
  hub = await Hub.start({ vars: { FLEET_SHARDS: String(SHARDS), ARW_RUNTIME_MATRIX_TTL_SEC: '10' } });
  for (const node of NODES) tokens.set(node, (await hub.enroll(node)).token);
});
afterAll(() => hub.stop());

async function say(node: string, ids: readonly string[], state: 'ready' | 'error' = 'ready'): Promise<void> {
  seq += 1;
  // The grid knows no runtimes: to it their models are new.
  const runtimes = ids.map((id) => runtimeRecord({ id, state, model: id }));
  const answer = await hub.post(node, tokens.get(node) ?? '', snapshot({ node, seq, runtimes }));
  expect(answer.status).toBe(200);
  await answer.body?.cancel();
}

type Loaded = Matrix | Supervisor | Grid;

async function load(id: Model): Promise<Loaded> {
  const body: unknown = await (await hub.ask(`/state/${id}`)).json();
  switch (id) {
    case 'runtime_matrix':
      return v.parse(MatrixSchema, body);
    case 'runtime_supervisor':
      return v.parse(SupervisorSchema, body);
    case 'runtime_grid':
      return v.parse(GridSchema, body);
    default:
      return id satisfies never;
  }
}

class Follower {
  readonly id: Model;
  reloads = 0;
  readonly #reader: SseReader;
  #has: Loaded;
  #heard = 0;

  private constructor(id: Model, reader: SseReader, has: Loaded) {
    this.id = id;
    this.#reader = reader;
    this.#has = has;
  }

  static async start(id: Model): Promise<Follower> {
    const reader = await SseReader.open(hub.url, { query: '?prefix=state.read.' });
    return new Follower(id, reader, await load(id));
  }

  /** Deals with what has come. */
  async catchUp(): Promise<Loaded> {
    for (; this.#heard < this.#reader.events.length; this.#heard += 1) {
      const { payload } = this.#reader.events[this.#heard] ?? {};
      const patch = v.parse(EVENT_PAYLOADS['state.read.model.patch'], payload);
      if (patch.id !== this.id || follow(this.#has, patch) !== 'reload') continue;
      this.reloads += 1;
      this.#has = await load(this.id);
    }
    return this.#has;
  }
}

/** Waits until the follower has the versions of a reload that shows what is wanted; then everything must be the same. */
async function same(follower: Follower, isWanted: (text: string) => boolean): Promise<void> {
  const [has, reloaded] = await until(
    async () => {
      const now = await load(follower.id);
      return [await follower.catchUp(), now] as const;
    },
    ([mine, now]) =>
      JSON.stringify(mine.versions) === JSON.stringify(now.versions) && isWanted(JSON.stringify(now)),
    15_000,
  );
  expect(timeless(has)).toEqual(timeless(reloaded));
}

/** A node that is silent is in every read model. */
function stale(text: string): boolean {
  return text.includes('"stale":true') || /"stale_nodes":[1-9]/.test(text);
}

test('under churn', async () => {
  for (const node of NODES.slice(0, 6)) await say(node, ['a', 'b']);
  const followers = await Promise.all(MODELS.map((id) => Follower.start(id)));
  const all = async (isWanted: (text: string) => boolean = () => true): Promise<void> => {
    for (const follower of followers) await same(follower, isWanted);
  };
  await all();
  const reloadsAtFirst = followers.map(({ reloads }) => reloads);
  // New nodes, runtimes that come, change and go, sockets that open, removals.
  for (const node of NODES.slice(6)) await say(node, ['a', `new-${node}`]);
  await all((text) => text.includes('new-n8'));
  await say('n0', ['b'], 'error');
  await say('n3', ['x', 'a', 'b'], 'error');
  await all((text) => text.includes('"x"'));
  const uplink = await hub.uplink('n1', tokens.get('n1') ?? '');
  await uplink.report(
    snapshot({
      node: 'n1',
      seq: (seq += 1),
      runtimes: [runtimeRecord({ id: 'by-socket', model: 'by-socket' })],
    }),
  );
  await all((text) => text.includes('by-socket'));
  for (const node of NODES) await say(node, ['a']);
  await hub.ask('/nodes/n4', { method: 'DELETE' });
  await all((text) => !text.includes('n4'));
  await uplink.close();
  await all((text) => !text.includes('"uplink":"open"'));
  expect(followers.map(({ reloads }) => reloads)).toEqual(reloadsAtFirst);

  // Nodes turn stale, their words count on, and come back.
  const silent = NODES.length - 1;
  await all(
    (text) =>
      stale(text) &&
      !text.includes('"stale":false') &&
      (!text.includes('"stale_nodes"') || text.includes(`"stale_nodes":${silent}`)),
  );
  for (const follower of followers) {
    // However long the look before took, all were just heard.
    for (const node of NODES.filter((name) => name !== 'n4')) await say(node, ['back']);
    await same(follower, (text) => text.includes('back') && !stale(text));
  }
  expect(followers.map(({ reloads }) => reloads)).toEqual(reloadsAtFirst);

  // What is lost is noticed: a shard that forgot what it told begins anew.
  for (const index of [0, 1, 2]) await hub.evict({ class: 'NodeShard', name: `shard-${index}` });
  await hub.evict({ class: 'Fleet', name: 'fleet' });
  for (const node of NODES.filter((name) => name !== 'n4')) await say(node, ['after']);
  await all((text) => text.includes('after') && !text.includes('back'));
  expect(followers.every(({ reloads }, index) => reloads > (reloadsAtFirst[index] ?? 0))).toBe(true);
}, 90_000);

test('a shard that could not be told that somebody subscribes is told again', async () => {
  const deaf = { class: 'NodeShard', name: 'shard-1' } as const;
  const telling = await Hub.start({ vars: { FLEET_SHARDS: '2' } });
  try {
    await telling.matrix();
    await telling.sql(deaf, 'ALTER TABLE watches RENAME TO elsewhere');
    const reader = await SseReader.open(telling.url, { query: '?prefix=state.read.' });
    await telling.sql(deaf, 'ALTER TABLE elsewhere RENAME TO watches');
    const rows = await until(
      () => telling.sql(deaf, 'SELECT topic FROM watches'),
      (found) => found.length > 0,
      20_000,
    );
    expect(rows).toEqual([{ topic: 'state.read.model.patch' }]);
    reader.leave();
  } finally {
    await telling.stop();
  }
}, 40_000);

test('a read that nobody patches names no version', async () => {
  const quiet = await Hub.start();
  try {
    const matrix = v.parse(MatrixSchema, await (await quiet.ask('/state/runtime_matrix')).json());
    expect(matrix.versions).toEqual({ 0: 0 });
  } finally {
    await quiet.stop();
  }
});
