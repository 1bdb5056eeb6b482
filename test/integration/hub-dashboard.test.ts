// The page at `/` as the hub serves it: to whom, with which headers, and what stays as it was.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Hub, reasonOf } from '../support/hub.ts';
import { ServedHub } from '../support/served-hub.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PAGE = { accept: 'text/html,application/xhtml+xml' };

type Asks = (path: string, headers?: Record<string, string>) => Promise<Response>;

let hub: Hub;
beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(() => hub.stop());

async function onCloudflare(): Promise<Asks> {
  return (path, headers = {}) => hub.ask(path, { token: null, headers });
}

async function atHome(): Promise<Asks> {
  const served = await ServedHub.ready(await temporaryFolder());
  return (path, headers = {}) => fetch(`${served.url}${path}`, { headers });
}

test.each([
  ['Cloudflare', onCloudflare],
  ['home', atHome],
])('on %s a browser gets the page and its files, anybody else what he always got', async (_, start) => {
  const ask = await start();

  const page = await ask('/', PAGE);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');

  const html = await page.text();
  // The policy would refuse what is inline.
  expect(html).not.toMatch(/<style|<script(?![^>]* src=)|style=|onload=/);
  const files = [...html.matchAll(/(?:src|href)="\.(\/assets\/[^"]+)"/g)].map(([, file = '']) => file);
  expect(new Set(files.map((file) => file.split('.').at(-1)))).toEqual(new Set(['css', 'js', 'svg']));
  for (const file of files) {
    const answer = await ask(file);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    await answer.arrayBuffer();
  }
  const etag = page.headers.get('etag') ?? '';
  expect((await ask('/', { ...PAGE, 'if-none-match': etag })).status).toBe(304);

  // Not a file: the hub's own answers.
  expect(await reasonOf(await ask('/'))).toBe('unauthorized');
  expect(await reasonOf(await ask('/index.html'))).toBe('unauthorized');
  expect(await reasonOf(await ask('/assets/none.js'))).toBe('not-found');
  expect(await reasonOf(await ask('/state/runtime_matrix', PAGE))).toBe('unauthorized');
  expect(await (await ask('/healthz')).text()).toBe('ok');
});
