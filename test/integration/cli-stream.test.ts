// A stream of the command line: for as long as it takes, its head within a limit, and a break that is told.

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { streamHub, type Hub } from '../../cli/hub-client.ts';
import { freePort } from '../support/engine-process.ts';

async function hubThat(answer: RequestListener): Promise<Hub> {
  const server = createServer(answer);
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: new URL(`http://127.0.0.1:${port}/`), token: 't', remedy: 'log in' };
}

async function whole(chunks: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk;
  return text;
}

const signal = new AbortController().signal;

test('it is not asked by fetch, which ends what is silent for 300 s', async () => {
  const fetch = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('fetch'));
  onTestFinished(() => fetch.mockRestore());
  const hub = await hubThat((request, response) => {
    response.setHeader('x-arw-node', 'gpu-01');
    request.pipe(response);
  });
  const { header, chunks } = await streamHub(hub, 'actions', { signal, body: { text: 'ä' } });
  expect(header('x-arw-node')).toBe('gpu-01');
  expect(await whole(chunks)).toBe('{"text":"ä"}');
});

test('a head that does not come is told with the limit that was meant', async () => {
  const hub = await hubThat(() => undefined);
  await expect(streamHub(hub, 'actions', { signal, headWithinMs: 20 })).rejects.toThrow(
    'cannot be reached (no answer within 0.02 s)',
  );
});

test('one that breaks off is told, and one that is left ends', async () => {
  const hub = await hubThat((request, response) => {
    response.write('one');
    if (request.url === '/cut') setImmediate(() => response.destroy());
  });
  const { chunks } = await streamHub(hub, 'cut', { signal });
  await expect(whole(chunks)).rejects.toThrow(/broke off \(.+\); ask again to go on/);

  const left = new AbortController();
  const open = await streamHub(hub, 'open', { signal: left.signal });
  const read = whole(open.chunks);
  left.abort();
  await expect(read).rejects.toThrow('broke off');
});
