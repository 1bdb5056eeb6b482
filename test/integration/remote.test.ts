// An endpoint elsewhere, played by a server of this test: what it is asked, how seldom, and what is told of it.

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { makeRemote } from '../../reporter/backends/registry.ts';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { RemoteWatch } from '../../reporter/supervisor/remote-watch.ts';
import { Supervisor } from '../../reporter/supervisor/supervisor.ts';
import { eventually } from '../support/eventually.ts';
import { RecordedLog } from '../support/recorded-log.ts';

const MODELS = JSON.stringify({ object: 'list', data: [{ id: 'small' }, { id: 'large' }] });

class Elsewhere {
  readonly asked: { path: string; headers: IncomingHttpHeaders }[] = [];
  origin = '';
  status = 200;
  body = MODELS;

  static async start(): Promise<Elsewhere> {
    const elsewhere = new Elsewhere();
    const server = createServer((request, response) => {
      elsewhere.asked.push({ path: request.url ?? '', headers: request.headers });
      const location = `${elsewhere.origin}/moved`;
      response.writeHead(elsewhere.status, elsewhere.status === 308 ? { location } : {}).end(elsewhere.body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('a TCP server has an address');
    elsewhere.origin = `http://127.0.0.1:${address.port}`;
    onTestFinished(async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    });
    return elsewhere;
  }

  /** Watched every 10 ms by default: no manifest may ask for that, but a test has no 30 s. */
  async watched(
    settings: Partial<NonNullable<RuntimeEntry['remote']>> = {},
    key = 'secret',
  ): Promise<{ supervisor: Supervisor; record: () => RuntimeRecord; changes: () => number }> {
    const url = `${this.origin}/v1`;
    const remote = { url, opt_in: true, api_key_env: 'KEY', check_every_seconds: 0.01, ...settings };
    const made = makeRemote({ id: 'cloud', adapter: 'remote', process: {}, remote }, { KEY: key });
    if (made === undefined) throw new Error('an entry of adapter "remote" makes one');
    let changes = 0;
    const watch = new RemoteWatch({
      remote: made,
      log: new RecordedLog(),
      onMaterialChange: () => {
        changes += 1;
      },
    });
    const supervisor = new Supervisor([watch]);
    onTestFinished(() => supervisor.release());
    await supervisor.adopt();
    return { supervisor, record: () => watch.record(), changes: () => changes };
  }
}

test('it is ready with its models once it lists them, and a change is told once', async () => {
  const elsewhere = await Elsewhere.start();
  const { record, supervisor, changes } = await elsewhere.watched();
  expect(record().status).toMatchObject({ state: 'unknown', summary: 'Not looked at yet' });
  await eventually('ready', () => record().status.state === 'ready');

  expect(record().descriptor.models).toEqual([
    { id: 'small', state: 'loaded' },
    { id: 'large', state: 'loaded' },
  ]);
  expect(elsewhere.asked[0]).toMatchObject({
    path: '/v1/models',
    headers: { authorization: 'Bearer secret' },
  });
  expect(supervisor.endpointOf('cloud')?.origin).toBe(elsewhere.origin);
  await eventually('three looks', () => elsewhere.asked.length >= 3);
  expect(changes()).toBe(1);
});

test('a failing look makes it degraded with the reason, a good one ready again', async () => {
  const elsewhere = await Elsewhere.start();
  const { record } = await elsewhere.watched();
  await eventually('ready', () => record().status.state === 'ready');
  elsewhere.status = 503;
  await eventually('degraded', () => record().status.state === 'degraded');
  expect(record().status.summary).toBe('Probe failing (HTTP 503)');
  expect(record().status).not.toHaveProperty('health');
  expect(record().descriptor).not.toHaveProperty('models');
  elsewhere.status = 200;
  await eventually('ready again', () => record().status.state === 'ready');
});

test.each([
  [401, 'HTTP 401: the key in KEY is refused'],
  [403, 'HTTP 403: the key in KEY is refused'],
  [429, 'HTTP 429'],
])('HTTP %i', async (status, reason) => {
  const elsewhere = await Elsewhere.start();
  elsewhere.status = status;
  const { record } = await elsewhere.watched();
  await eventually('degraded', () => record().status.state === 'degraded');
  expect(record().status.summary).toBe(`Probe failing (${reason})`);
});

test('a redirect is not followed: the key would go where the manifest does not say', async () => {
  const elsewhere = await Elsewhere.start();
  elsewhere.status = 308;
  const { record } = await elsewhere.watched();
  await eventually('degraded', () => record().status.state === 'degraded');
  expect(elsewhere.asked.map(({ path }) => path)).not.toContain('/moved');
});

test('of the models only those are told that the manifest names', async () => {
  const elsewhere = await Elsewhere.start();
  const { record } = await elsewhere.watched({ models: ['large'] });
  await eventually('ready', () => record().status.state === 'ready');
  expect(record().descriptor.models).toEqual([{ id: 'large', state: 'loaded' }]);
  elsewhere.body = '{"data":[{"id":"other"}]}';
  await eventually('degraded', () => record().status.state === 'degraded');
  expect(record().status.summary).toBe('It lists none of the models that remote.models names');
});

test('without opt_in nobody is asked, and commands are refused', async () => {
  const elsewhere = await Elsewhere.start();
  const { record, supervisor } = await elsewhere.watched({ opt_in: false });
  supervisor.start(['cloud']);
  expect(await supervisor.carryOut('1', 'cloud', { kind: 'restore', args: {} })).toMatchObject({
    ok: false,
    error: { reason: 'not-supervised' },
  });
  expect(record().status.state).toBe('offline');
  expect(supervisor.endpointOf('cloud')).toBeUndefined();
  expect(elsewhere.asked).toEqual([]);
});

test('once the reporter ends it is asked no more', async () => {
  const elsewhere = await Elsewhere.start();
  const askedBy = (key: string): number =>
    elsewhere.asked.filter(({ headers }) => headers.authorization === `Bearer ${key}`).length;
  const { supervisor } = await elsewhere.watched({}, 'ending');
  // Another watch of the same rhythm tells how much time the first one would have had.
  await elsewhere.watched({}, 'witness');
  await eventually('looks', () => askedBy('ending') > 0 && askedBy('witness') > 0);
  await supervisor.shutDown();
  const looks = async (count: number): Promise<void> => {
    const target = askedBy('witness') + count;
    await eventually('looks of the witness', () => askedBy('witness') >= target);
  };
  // One may have been on its way.
  await looks(2);
  const asked = askedBy('ending');
  await looks(5);
  expect(askedBy('ending')).toBe(asked);
});
