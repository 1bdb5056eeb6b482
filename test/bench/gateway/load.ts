// Owns the load of the bench, a process of its own: it asks, times what comes, and tells it as one line of JSON for each
// order that it reads.

import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { OrderSchema, type Measured, type Order } from './order.ts';

/** llama-server closes a connection after each streamed answer: no way may gain by keeping one. */
const agent = new Agent({ keepAlive: false });
const STAMP = '"sent_ns":"';

async function carryOut(order: Order): Promise<Measured> {
  const { streams, requests, body } = order;
  const measured: Measured = { seconds: 0, tokens: 0, firstMs: [], delaysMs: [] };
  const text = JSON.stringify(body);
  let left = requests;
  const startedMs = performance.now();
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await ask(order, text, measured);
    }
  };
  await Promise.all(Array.from({ length: streams }, worker));
  measured.seconds = (performance.now() - startedMs) / 1000;
  return measured;
}

function ask({ url, headers: more }: Order, body: string, measured: Measured): Promise<void> {
  return new Promise((resolve, reject) => {
    const sentMs = performance.now();
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...more,
    };
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${url} answered ${answer.statusCode}`));
      let isFirst = true;
      let rest = '';
      answer.on('data', (chunk: Buffer) => {
        const nowNs = process.hrtime.bigint();
        if (isFirst) measured.firstMs.push(performance.now() - sentMs);
        isFirst = false;
        // A proxy may cut anywhere: an event counts when it is whole.
        const text = rest + chunk.toString('latin1');
        const end = text.lastIndexOf('\n\n') + 1;
        const events = text.slice(0, end);
        rest = text.slice(end);
        for (let at = events.indexOf('data: {'); at !== -1; at = events.indexOf('data: {', at + 1)) {
          measured.tokens += 1;
          if (!events.startsWith(STAMP, at + 7)) continue;
          const from = at + 7 + STAMP.length;
          const stampNs = BigInt(events.slice(from, events.indexOf('"', from)));
          measured.delaysMs.push(Number(nowNs - stampNs) / 1e6);
        }
      });
      answer.on('end', resolve);
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const measured = await carryOut(v.parse(OrderSchema, JSON.parse(line)));
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}
