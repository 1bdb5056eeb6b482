// A browser's session: how it begins, what it opens, from where, and how it ends.

import { afterAll, beforeAll, expect, test } from 'vitest';
import * as v from 'valibot';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { SessionSchema } from '../../contract/session.ts';
import { ADMIN_TOKEN, Hub, reasonOf, type Sent } from '../support/hub.ts';
import { ServedHub } from '../support/served-hub.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let hub: Hub;
let own: Record<string, string>;

beforeAll(async () => {
  hub = await Hub.start();
  own = { origin: hub.url.origin };
});
afterAll(() => hub.stop());

async function signIn(body: object = { token: ADMIN_TOKEN }, headers = own): Promise<Response> {
  return hub.ask('/session', { method: 'POST', token: null, headers, body });
}

/** What a browser would send again of `Set-Cookie`. */
function cookieOf(answer: Response): string {
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

async function by(cookie: string, path: string, sent: Sent = {}): Promise<Response> {
  return hub.ask(path, { ...sent, token: null, headers: { cookie, ...sent.headers } });
}

test('a token becomes a cookie that scripts cannot read and other sites do not send', async () => {
  const answer = await signIn();

  expect(answer.status).toBe(200);
  const set = answer.headers.get('set-cookie') ?? '';
  expect(set).toMatch(/^arw_session_[0-9a-f]{8}=/);
  expect(set.split('; ').slice(1)).toEqual(['Max-Age=43200', 'Path=/', 'HttpOnly', 'SameSite=Strict']);
  expect(set).not.toContain(ADMIN_TOKEN);
  const { expires_at } = v.parse(SessionSchema, await answer.json());
  expect(Date.parse(expires_at ?? '') - Date.now()).toBeGreaterThan(11.9 * 3_600_000);
});

test('behind a proxy that ends TLS the cookie is for encrypted ways only', async () => {
  const served = await ServedHub.ready(await temporaryFolder(), [], { ARW_ADMIN_TOKEN: ADMIN_TOKEN });
  const answer = await fetch(`${served.url}/session`, {
    method: 'POST',
    headers: { origin: served.url.replace('http:', 'https:'), 'content-type': 'application/json' },
    body: JSON.stringify({ token: ADMIN_TOKEN }),
  });

  expect(answer.headers.get('set-cookie')).toContain('; Secure; SameSite=Strict');
});

test('it opens what a token opens, and tells who asks', async () => {
  const cookie = cookieOf(await signIn());

  expect((await by(cookie, '/state/runtime_matrix')).status).toBe(200);
  const told = await by(cookie, '/session');
  expect(await told.json()).toEqual({
    actor: { role: 'admin', id: 'ARW_ADMIN_TOKEN' },
    expires_at: expect.any(String),
    server_time: expect.any(String),
  });
  const made = await by(cookie, '/join-tokens', { method: 'POST', body: {}, headers: own });
  expect(made.status).toBe(201);
  expect(cookieOf(await signIn({}, { ...own, cookie }))).toMatch(/^arw_session_/);
});

test('by cookie nothing is changed and no socket is opened from another page', async () => {
  const cookie = cookieOf(await signIn());
  const foreign = [
    {},
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { ...own, 'sec-fetch-site': 'same-site' },
  ];
  for (const headers of foreign) {
    const refused = await by(cookie, '/join-tokens', { method: 'POST', body: {}, headers });
    expect([headers, refused.status, await reasonOf(refused)]).toEqual([headers, 403, 'forbidden']);
    const out = await by(cookie, '/session', { method: 'DELETE', headers });
    expect(out.status).toBe(403);
    expect(await statusOfSocket(cookie, headers)).toBe(403);
  }
  expect(await statusOfSocket(cookie, own)).toBe(101);
});

test('what was not signed here, or in another time, is no session', async () => {
  const cookie = cookieOf(await signIn());
  const [name = '', value = ''] = cookie.split(/=(.*)/);
  const [until = '', mac = ''] = decodeURIComponent(value).split('.');
  const forged = [
    `${Number(until) + 1}.${mac}`,
    `${until}.${mac.replace(/^./, '_')}`,
    `${until}.`,
    until,
    '',
  ];
  for (const wrong of forged) {
    const refused = await by(`${name}=${encodeURIComponent(wrong)}`, '/session');
    expect([wrong, refused.status]).toEqual([wrong, 401]);
  }
  expect(await reasonOf(await signIn({}))).toBe('unauthorized');
});

test('a wrong token gets no cookie and is not said again', async () => {
  const refused = await signIn({ token: 'guessed-secret' });

  expect(refused.status).toBe(401);
  expect(refused.headers.get('set-cookie')).toBeNull();
  expect(await refused.text()).not.toContain('guessed-secret');
  expect((await signIn({ token: ADMIN_TOKEN }, { origin: 'http://evil.example' })).status).toBe(403);
});

test('it ends when told to', async () => {
  const cookie = cookieOf(await signIn());
  const ended = await by(cookie, '/session', { method: 'DELETE', headers: own });

  expect(ended.status).toBe(204);
  expect(ended.headers.get('set-cookie')).toMatch(/^arw_session_[0-9a-f]{8}=; Max-Age=0; Path=\//);
});

/** 101 where it opened. */
async function statusOfSocket(cookie: string, headers: Record<string, string>): Promise<number> {
  const url = new URL('/events', hub.url);
  url.protocol = 'ws:';
  const socket = new WebSocket(url, { headers: { cookie, ...headers } });
  const opened = once(socket, 'open').then(() => 101);
  const refused = new Promise<number>((resolve) => {
    socket.once('unexpected-response', (_, answer) => resolve(answer.statusCode ?? 0));
  });
  const status = await Promise.race([opened, refused]);
  socket.terminate();
  return status;
}
