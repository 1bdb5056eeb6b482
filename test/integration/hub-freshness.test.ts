// What is served and how fresh it is: the read models, entity tags, cuts, filters, and nodes that fell silent.

import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MatrixSchema, SupervisorSchema, type Supervisor } from '../../contract/read-models.ts';
import { golden } from '../support/golden.ts';
import { Hub, reasonOf, SHARD, until } from '../support/hub.ts';
import { runtimeRecord, snapshot, type SnapshotOptions } from '../support/snapshot.ts';

const HOUR_MS = 3_600_000;

const CUT_WINDOW_MS = 250;

let hub: Hub;
const tokens = new Map<string, string>();

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

/** A node that is heard over POST: nothing but its row remembers when, so that a test can age it. */
async function hear(node: string, options: SnapshotOptions = {}): Promise<void> {
  const token = tokens.get(node) ?? (await hub.enroll(node)).token;
  tokens.set(node, token);
  const answer = await hub.post(node, token, snapshot({ node, ...options }));
  expect(answer.status).toBe(200);
  await answer.body?.cancel();
}

/** Makes the last word of a node so old, as if the object had slept since. */
async function age(node: string, ms: number): Promise<void> {
  await hub.sql(SHARD, 'UPDATE snapshots SET received_at = ? WHERE node = ?', Date.now() - ms, node);
  await hub.evict(SHARD);
}

async function supervisor(query = ''): Promise<Supervisor> {
  const answer = await hub.ask(`/state/runtime_supervisor${query}`);
  return v.parse(SupervisorSchema, await answer.json());
}

test('an empty fleet is an empty matrix', async () => {
  expect(await hub.matrix()).toMatchObject({ items: {}, ttl_seconds: 60 });
  expect(await supervisor()).toMatchObject({ runtimes: [] });
});

test('a client that was written for the reference payload is satisfied', async () => {
  const reference = v.parse(
    v.looseObject({
      items: v.looseObject({
        local: v.looseObject({ runtime: v.looseObject({ updated: v.string() }) }),
      }),
    }),
    golden('reference-matrix'),
  );
  const { token } = await hub.enroll('local');
  const said = snapshot({ node: 'local' });
  said.runtime.updated = reference.items.local.runtime.updated;
  await hub.post('local', token, said);

  const served = await hub.matrixWhere(({ items }) => 'local' in items);
  expect(served).toMatchObject(reference);
});

async function askTagged(ifNoneMatch?: string): Promise<{ status: number; etag: string; body: string }> {
  const headers = ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch };
  const answer = await hub.ask('/state/runtime_matrix', { headers });
  expect(answer.headers.get('cache-control')).toBe('private, no-cache');
  return {
    status: answer.status,
    etag: answer.headers.get('etag') ?? '',
    body: await answer.text(),
  };
}

describe('an entity tag', () => {
  test('saves the body for one who has it, however the tag is listed', async () => {
    await hear('tagged');
    // From here on nothing changes, so that the cut stays the same one.
    await hub.matrixWhere(({ items }) => 'tagged' in items);
    const { etag } = await askTagged();
    expect(etag).toMatch(/^"[^"]+"$/);
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, `"a",W/"b",W/${etag}`, '*']) {
      expect(await askTagged(header)).toEqual({ status: 304, etag, body: '' });
    }
    for (const header of ['"other"', etag.slice(1, -1), '']) {
      expect(await askTagged(header)).toMatchObject({ status: 200, etag });
    }
  });

  test('and the version move on with each change, also across an eviction', async () => {
    let last = await askTagged();
    let version = 0;
    for (let seq = 2; seq < 5; seq += 1) {
      await hear('tagged', { seq });
      const before = last.etag;
      last = await until(
        () => askTagged(before),
        ({ status }) => status === 200,
      );
      expect(last.etag).not.toBe(before);
      const matrix = v.parse(MatrixSchema, JSON.parse(last.body));
      expect(matrix.version).toBeGreaterThan(version);
      version = matrix.version;
      await hub.evict(SHARD);
    }
  });

  test('of the supervisor view works as well', async () => {
    const first = await hub.ask('/state/runtime_supervisor');
    await first.body?.cancel();
    const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
    expect((await hub.ask('/state/runtime_supervisor', { headers })).status).toBe(304);
  });
});

describe('a cut', () => {
  test('comes at most once in its window, and shows a change right after it', async () => {
    await hear('moving', { seq: 1 });
    const { token } = await hub.enroll('moving-too');
    const client = await hub.uplink('moving-too', token);
    /** Of each cut that was seen: what it showed of the node. */
    const cuts = new Map<number, number>();
    const heardAt: number[] = [];
    for (let seq = 1; seq <= 7; seq += 1) {
      await client.report(snapshot({ node: 'moving-too', seq }));
      const seen = await hub.matrixWhere(({ items, updated }) => {
        cuts.set(Date.parse(updated), items['moving-too']?.seq ?? 0);
        return items['moving-too']?.seq === seq;
      });
      heardAt[seq] = Date.parse(seen.items['moving-too']?.received_at ?? '');
    }
    await client.close();

    const times = [...cuts.keys()];
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(CUT_WINDOW_MS);
    // Whatever is cut after a change shows it. How soon that is read is measured by the bench change-latency.
    const late = [...cuts].filter(([at, seq]) => heardAt.some((heard, said) => heard < at && seq < said));
    expect(late).toEqual([]);
  });

  test('tells ages as of when it was cut', async () => {
    await hear('aged');
    const { items, updated } = await hub.matrixWhere((matrix) => 'aged' in matrix.items);
    const item = items['aged'];
    const ageMs = Date.parse(updated) - Date.parse(item?.received_at ?? '');
    expect(item?.age_seconds).toBeCloseTo(ageMs / 1000, 3);
    expect(Date.parse(item?.expires_at ?? '') - Date.parse(item?.received_at ?? '')).toBe(60_000);
  });
});

/** Of the nodes that the filters are tried on, those that are shown. */
async function shown(query: string): Promise<string[]> {
  return Object.keys((await hub.matrix(query)).items).filter((node) => node.startsWith('f-'));
}

describe('a filter', () => {
  beforeAll(async () => {
    const mixed = [
      runtimeRecord({ id: 'sick', state: 'error', model: 'm-x' }),
      runtimeRecord({ id: 'well' }),
    ];
    await hear('f-mixed', { runtimes: mixed });
    await hear('f-empty', { runtimes: [] });
    await hear('f-well');
    await hub.matrixWhere(({ items }) => 'f-well' in items);
  });

  test.each([
    ['?node=f-well', ['f-well']],
    ['?node=nobody', []],
    ['?model=m-x', ['f-mixed']],
    ['?accelerator=cpu', ['f-mixed', 'f-well']],
    ['?accelerator=npu_other', []],
    ['?state=error', ['f-mixed']],
    ['?state=error&model=llama-3.3-70b-q4', []],
    ['?stale=false', ['f-empty', 'f-mixed', 'f-well']],
    ['?stale=true', []],
    ['?view=summary', ['f-empty', 'f-mixed', 'f-well']],
  ])('%s shows the nodes that it fits', async (query, nodes) => {
    expect(await shown(query)).toEqual(nodes);
  });

  test('of the supervisor view shows the runtimes that it fits', async () => {
    const { runtimes } = await supervisor('?state=error');
    expect(runtimes.map(({ node, descriptor }) => `${node}/${descriptor.id}`)).toEqual(['f-mixed/sick']);
  });

  test('in a summary leaves out the lists', async () => {
    const item = (await hub.matrix('?view=summary&node=f-mixed')).items['f-mixed'];
    expect(item).not.toHaveProperty('runtimes');
    expect(item).not.toHaveProperty('accelerators');
    expect(item?.runtime.total).toBe(2);
  });

  test('bounds a page, whose cursor leads to the next one until all were shown', async () => {
    const all = Object.keys((await hub.matrix()).items);
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await hub.matrix(`?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      const names = Object.keys(page.items);
      expect(names.length).toBeLessThanOrEqual(2);
      paged.push(...names);
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(all.length).toBeGreaterThan(2);
    expect(paged).toEqual(all.toSorted());
  });

  test.each([
    ['runtime_matrix?state=sleepy', /^state: /],
    ['runtime_matrix?accelerator=gpu', /^accelerator: /],
    ['runtime_matrix?stale=maybe', /^stale: /],
    ['runtime_matrix?stats=error', /^stats: /],
    ['runtime_matrix?state=ready&state=error', /^state/],
    ['runtime_matrix?node=', /^node: /],
    ['runtime_matrix?view=all', /^view: /],
    ['runtime_matrix?limit=0', /^limit: /],
    ['runtime_matrix?limit=1001', /^limit: /],
    ['runtime_matrix?limit=1.5', /^limit: /],
    ['runtime_matrix?cursor=a/b', /^cursor: /],
    ['runtime_supervisor?state=sleepy', /^state: /],
    ['runtime_supervisor?limit=1', /^limit: /],
  ])('%s is not guessed at', async (path, words) => {
    const answer = await hub.ask(`/state/${path}`);
    expect(await answer.clone().json()).toMatchObject({ detail: expect.stringMatching(words) });
    expect(await reasonOf(answer)).toBe('malformed-body');
  });
});

describe('a node that fell silent', () => {
  test('is offline in words, with what it said last under it, until it is heard again', async () => {
    await hear('silent');
    await age('silent', 75_000);

    const item = (await hub.matrixWhere(({ items }) => items['silent']?.stale === true)).items['silent'];
    const { status, received_at: heardAt } = item ?? {};
    expect(status).toMatchObject({ code: 'offline', severity: 'error', severity_label: 'Error' });
    expect(status?.label).toBe(`Offline - No heartbeat for ${Math.floor(item?.age_seconds ?? 0)} s`);
    expect(status?.aria_hint).toBe(`Runtime status ${status?.label}. ${status?.detail.join('; ')}`);
    expect(status?.detail).toContain(`Last heartbeat at ${heardAt}`);
    expect(item?.last_status).toEqual(snapshot().status);
    expect(item?.runtimes).toEqual(snapshot().runtimes);
    expect(item?.age_seconds).toBeGreaterThanOrEqual(75);

    await hear('silent', { seq: 2 });
    const back = await hub.matrixWhere(({ items }) => items['silent']?.stale === false);
    expect(back.items['silent']?.status.code).toBe('ok');
    expect(back.items['silent']).not.toHaveProperty('last_status');
  });

  test('turns stale exactly at its time, without anybody saying anything', async () => {
    await hear('turning');
    await age('turning', 57_000);
    const early: unknown[] = [];
    const { items, updated } = await until(
      () => hub.matrix('?node=turning'),
      (matrix) => {
        const { stale, expires_at: expiresAt } = matrix.items['turning'] ?? {};
        if (stale !== false && Date.now() < Date.parse(expiresAt ?? '')) early.push(matrix);
        return stale === true;
      },
    );
    expect(early).toEqual([]);
    expect(Date.parse(updated)).toBeGreaterThanOrEqual(Date.parse(items['turning']?.expires_at ?? ''));
    expect(items['turning']?.status.label).toMatch(/^Offline - No heartbeat for \d+ s$/);
  });

  test('has runtimes of which nothing is known, for filters too', async () => {
    await hear('mute');
    await age('mute', 200_000);

    const { runtimes } = await until(
      () => supervisor('?node=mute'),
      (view) => view.runtimes[0]?.stale === true,
    );
    expect(runtimes[0]).toMatchObject({
      node: 'mute',
      stale: true,
      status: { state: 'unknown', severity: 'warn', summary: 'No heartbeat for 3 min (last known: Ready)' },
      last_status: runtimeRecord().status,
    });
    expect(Object.keys((await hub.matrix('?node=mute&state=ready')).items)).toEqual([]);
    expect(Object.keys((await hub.matrix('?node=mute&state=unknown&stale=true')).items)).toEqual(['mute']);
  });

  test('is forgotten after the retention time, by an alarm that nobody had to wait for', async () => {
    await hear('forgotten');
    await age('forgotten', 24 * HOUR_MS + 1000);
    // A new life of the shard looks at its deadlines; in a life of a day it was armed all along.
    await hub.matrix();
    const rows = async (): Promise<object[]> =>
      hub.sql(SHARD, 'SELECT node FROM snapshots WHERE node = ?', 'forgotten');
    expect(await until(rows, (found) => found.length === 0)).toEqual([]);
    await hub.matrixWhere(({ items }) => !('forgotten' in items));
    // It is no stranger: its token still works.
    await hear('forgotten', { seq: 2 });
    await hub.matrixWhere(({ items }) => items['forgotten']?.stale === false);
  });
});
