// An endpoint elsewhere, over TLS: asked in the open only of a server that is who it says, and never of another.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { Door } from '../support/gateway.ts';
import { model, routable } from '../support/routable.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

type Identity = { key: string; cert: string };

/** A certificate for `localhost` that vouches for itself. */
async function identity(): Promise<Identity> {
  const folder = await temporaryFolder();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const named = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  await promisify(execFile)('openssl', [...made, ...named, '-keyout', key, '-out', cert]);
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
}

function trust(cert: string): void {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, cert]);
  onTestFinished(() => setDefaultCACertificates(before));
}

/** Answers with what it was asked, in two chunks; `asked` counts the requests. */
async function serve(own: Identity): Promise<{ port: number; asked: () => number }> {
  let asked = 0;
  const server: Server = createServer(own, (request, response) => {
    asked += 1;
    const { host, authorization } = request.headers;
    response.write(`${request.method} ${request.url} ${host} ${authorization} `);
    request.pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.address();
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, asked: () => asked };
}

const elsewhere = (origin: string) =>
  routable('far', {
    models: [model('m')],
    isElsewhere: true,
    endpoint: { origin, headers: { authorization: 'Bearer key' } },
  });

test('its path, its key and the body reach it, and its answer comes back', async () => {
  const own = await identity();
  trust(own.cert);
  const { port } = await serve(own);
  const door = await Door.open([elsewhere(`https://localhost:${port}/api`)]);
  const answer = await door.ask('{"model":"m"}');
  expect(answer).toMatchObject({ status: 200, complete: true });
  expect(answer.body).toBe(`POST /api/v1/chat/completions localhost:${port} Bearer key {"model":"m"}`);
});

test.each([
  ['a certificate that nobody vouches for', false, 'localhost'],
  ['a certificate for another name', true, '127.0.0.1'],
])('%s: nothing is sent', async (_, isTrusted, host) => {
  const own = await identity();
  if (isTrusted) trust(own.cert);
  const { port, asked } = await serve(own);
  const door = await Door.open([elsewhere(`https://${host}:${port}`)]);
  const answer = await door.ask('{"model":"m"}');
  expect(answer.status).toBe(503);
  expect(answer.body).toContain('certificate');
  expect(asked()).toBe(0);
});
