// The gateway of a reporter in front of a real llama-server, and what the matrix of a real hub says of it.

import { connect } from 'node:net';
import { once } from 'node:events';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { Fleet, RUNTIME } from '../support/fleet.ts';
import { until } from '../support/hub.ts';
import { sseData } from '../support/sse.ts';

const SlotsSchema = v.array(v.object({ is_processing: v.boolean() }));
const ChunkSchema = v.object({ choices: v.array(v.object({ delta: v.object({}) })) });
const ModelsSchema = v.object({ data: v.array(v.object({ id: v.string(), runtime: v.string() })) });

async function busySlots(fleet: Fleet): Promise<number> {
  const answer = await fetch(`${fleet.engineUrl}/slots`);
  return v.parse(SlotsSchema, await answer.json()).filter((slot) => slot.is_processing).length;
}

test('a chat streams through the gateway, an abandoned one frees its slot, and the matrix counts both', async () => {
  // Room for a generation that would go on for long.
  const fleet = await Fleet.ready({ engineArgs: ['-c', '65536', '--parallel', '1'] });
  const { gatewayUrl } = fleet;

  const models = v.parse(ModelsSchema, await (await fetch(`${gatewayUrl}/v1/models`)).json());
  expect(models.data).toMatchObject([{ id: 'tiny.gguf', runtime: RUNTIME }]);

  const chat = { messages: [{ role: 'user', content: 'Say something' }], stream: true };
  const bodyOf = (more: object): string => JSON.stringify({ model: RUNTIME, ...chat, ...more });
  const ask = (more: object): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: bodyOf(more),
  });
  const url = `${gatewayUrl}/v1/chat/completions`;
  const answer = await fetch(url, ask({ max_tokens: 8, ignore_eos: true }));
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  // llama-server lets every page of the web read it; the gateway does not.
  expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  const events = sseData(await answer.text());
  expect(events.every((event) => v.is(ChunkSchema, event))).toBe(true);

  const socket = connect(Number(new URL(gatewayUrl).port), '127.0.0.1');
  socket.on('error', () => undefined);
  const body = bodyOf({ max_tokens: 60_000, ignore_eos: true });
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  await once(socket, 'data');
  expect(await busySlots(fleet)).toBe(1);
  socket.destroy();
  expect(
    await until(
      () => busySlots(fleet),
      (busy) => busy === 0,
      5_000,
    ),
  ).toBe(0);

  const unknown = await fetch(url, ask({ model: 'tiny.ggufx' }));
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({
    closest: ['tiny.gguf', RUNTIME],
    error: { code: 'model_not_found' },
  });

  const { http, status } = await fleet.itemWhere((item) => item.http?.hits === 4);
  expect(http).toMatchObject({
    routes: 2,
    errors: 0,
    error_rate: 0,
    window_seconds: 300,
    window_hits: 4,
    window_errors: 0,
    avg_ewma_ms: expect.any(Number),
    ttft_ewma_ms: expect.any(Number),
  });
  expect(status.code).toBe('ok');
});
