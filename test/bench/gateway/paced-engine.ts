// Owns the engine of the bench, a process of its own: every request streams tokens at a fixed pace, each stamped with the
// moment at which it was sent.

import { createServer, type ServerResponse } from 'node:http';
import * as v from 'valibot';

const PORT = Number(process.argv[2]);
const TOKENS_PER_SECOND = Number(process.argv[3]);
const TICK_MS = 1;
const BodySchema = v.object({ max_tokens: v.number() });

/** As long as llama-server's. */
const PADDING = JSON.stringify({
  choices: [{ finish_reason: null, index: 0, delta: { content: ' token' } }],
  created: 1_795_000_000,
  id: 'chatcmpl-0123456789abcdef0123456789abcdef',
  model: 'paced',
  object: 'chat.completion.chunk',
});

type Stream = { response: ServerResponse; left: number; dueMs: number };
const streams = new Set<Stream>();
let started = 0;

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method !== 'POST') {
      response.end('ok');
      return;
    }
    const body = v.parse(BodySchema, JSON.parse(Buffer.concat(chunks).toString('utf8')));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    // Spread over the pace by the golden ratio, as requests that came at their own times are.
    started += 1;
    const phase = (started * 0.618_034) % 1;
    const dueMs = performance.now() + (phase * 1000) / TOKENS_PER_SECOND;
    const stream = { response, left: body.max_tokens, dueMs };
    streams.add(stream);
    response.on('close', () => streams.delete(stream));
  });
}).listen(PORT, '127.0.0.1', () => process.stdout.write('engine ready\n'));

setInterval(() => {
  const nowMs = performance.now();
  for (const stream of streams) {
    if (stream.dueMs > nowMs) continue;
    stream.response.write(`data: {"sent_ns":"${process.hrtime.bigint()}","chunk":${PADDING}}\n\n`);
    stream.dueMs += 1000 / TOKENS_PER_SECOND;
    stream.left -= 1;
    if (stream.left > 0) continue;
    streams.delete(stream);
    stream.response.end('data: [DONE]\n\n');
  }
}, TICK_MS);
