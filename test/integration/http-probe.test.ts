// One look over HTTP: an answer or a reason, never an exception, never more than a bound of memory or time.

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { healthCheck, statusFault } from '../../reporter/backends/health-check.ts';
import { look, type HttpLook } from '../../reporter/backends/http-probe.ts';
import { freePort } from '../support/engine-process.ts';

const never = new AbortController().signal;

async function lookAt(listener: RequestListener, timeoutMs = 5_000, signal = never): Promise<HttpLook> {
  const port = await freePort();
  const server = createServer(listener).listen(port, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return look(`http://127.0.0.1:${port}/health`, { timeoutMs, signal, headers: { 'x-a': 'b' } });
}

test('an answer with its status, its body and how long it took', async () => {
  const seen = await lookAt((request, response) => {
    response.writeHead(503).end(`${request.method} ${request.url} ${String(request.headers['x-a'])}`);
  });
  expect(seen).toEqual({
    kind: 'answer',
    status: 503,
    body: 'GET /health b',
    latencyMs: expect.any(Number),
  });
});

test('a redirect is an answer, and is not followed', async () => {
  const seen = await lookAt((_request, response) => void response.writeHead(302, { location: '/x' }).end());
  expect(seen).toMatchObject({ kind: 'answer', status: 302 });
});

test.each<[string, RequestListener]>([
  ['no answer', () => undefined],
  ['half an answer', (_request, response) => void response.writeHead(200).write('half')],
])('%s in time is a timeout', async (_what, listener) => {
  expect(await lookAt(listener, 50)).toEqual({ kind: 'timeout', reason: 'timeout after 50 ms' });
});

test('nobody there', async () => {
  const url = `http://127.0.0.1:${await freePort()}/`;
  expect(await look(url, { timeoutMs: 5_000, signal: never })).toEqual({
    kind: 'unreachable',
    reason: 'connection refused',
  });
});

test('a server that hangs up', async () => {
  const seen = await lookAt((request) => void request.socket.destroy());
  expect(seen).toEqual({ kind: 'unreachable', reason: 'connection closed by the server' });
});

test('a body without end is given up', async () => {
  const chunk = Buffer.alloc(1024 * 1024);
  const seen = await lookAt((_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
      response.once('drain', more);
    };
    more();
  });
  expect(seen).toEqual({ kind: 'unreachable', reason: 'the body is larger than 4194304 bytes' });
});

test('a child that is gone ends the look', async () => {
  const gone = new AbortController();
  const seen = await lookAt(() => gone.abort(), 5_000, gone.signal);
  expect(seen).toEqual({ kind: 'unreachable', reason: 'the look was cancelled' });
});

describe('what counts as healthy', () => {
  const plain = healthCheck(undefined, 'http://h/health');
  const own = healthCheck({ url: 'http://h/x', expect_status: 204, expect_body: 'up' }, 'http://h/health');

  test('defaults: GET, any 2xx, any body, 3 s', () => {
    expect(plain).toEqual({
      url: 'http://h/health',
      method: 'GET',
      expectStatus: undefined,
      expectBody: undefined,
      timeoutMs: 3000,
    });
  });
  test.each([
    [plain, 200, '', undefined],
    [plain, 299, '', undefined],
    [plain, 300, '', 'HTTP 300 instead of 2xx'],
    [plain, 503, '', 'HTTP 503 instead of 2xx'],
    [own, 204, 'it is up', undefined],
    [own, 200, 'it is up', 'HTTP 200 instead of 204'],
    [own, 204, 'down', 'the body does not contain "up"'],
  ])('%j: %i %j', (check, status, body, fault) => {
    expect(statusFault(check, status, body)).toBe(fault);
  });
});
