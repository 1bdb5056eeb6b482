// One call of a receiver over real HTTP: what is told of an answer, and that nobody is followed elsewhere.

import * as v from 'valibot';
import { expect, test } from 'vitest';
import { workerModule } from '../support/object-storage.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

type Call = { url: string; id: string; secret: null; body: string; now: number };
type Outside = { call: (call: Call) => Promise<unknown> };

const { OUTSIDE } = v.parse(
  v.object({ OUTSIDE: v.custom<Outside>((value) => typeof value === 'object') }),
  await workerModule('objects/fleet/webhook.ts'),
);

const call = (url: string): Promise<unknown> =>
  OUTSIDE.call({ url, id: 'msg_1', secret: null, body: '{}', now: 1_790_000_000_000 });

test('a redirect is a failure, and nobody goes there', async () => {
  const receiver = await WebhookReceiver.listening();
  receiver.orders.push(302);
  const message = `${new URL(receiver.url).origin} answered 302 (redirects are not followed)`;
  expect(await call(receiver.url)).toEqual({ ok: false, failure: { status: 302, message } });
  expect(receiver.received).toHaveLength(1);
});

test('a receiver that is not there is told without its path', async () => {
  const { origin } = new URL('http://127.0.0.1:9');
  const failure = { message: `${origin} cannot be reached` };
  expect(await call(`${origin}/a-secret-path`)).toEqual({ ok: false, failure });
});

test('what is taken is told with its status, and carries id and time', async () => {
  const receiver = await WebhookReceiver.listening();
  expect(await call(receiver.url)).toEqual({ ok: true, status: 200 });
  expect(receiver.received[0]).toMatchObject({
    body: '{}',
    headers: { 'webhook-id': 'msg_1', 'webhook-timestamp': '1790000000' },
  });
  expect(receiver.received[0]?.headers).not.toHaveProperty('webhook-signature');
});
