// A chat through a real hub, over a real reporter's uplink, to a real llama-server: as a job, as a stream, cancelled, and
// with a reporter that falls silent or dies.

import * as v from 'valibot';
import { expect, onTestFinished, test } from 'vitest';
import { ActionSchema, type Action } from '../../contract/actions.ts';
import { Fleet, NODE, RUNTIME } from '../support/fleet.ts';
import { until } from '../support/hub.ts';
import { sseData } from '../support/sse.ts';

const SlotsSchema = v.array(v.object({ is_processing: v.boolean() }));
const CHAT = { kind: 'chat.respond' };
/**
 * What a node that is gone may take to be told of: long before its pings would miss it. That a silent one is told within 2 s
 * is claimed by the clock of `relay-liveness.test.ts`, which nothing else on the machine slows down.
 */
const TOLD_WITHIN_MS = 10_000;

async function busySlots(fleet: Fleet): Promise<number> {
  const answer = await fetch(`${fleet.engineUrl}/slots`);
  return v.parse(SlotsSchema, await answer.json()).filter((slot) => slot.is_processing).length;
}

/**
 * Looked at seldom: for a client that has gone llama-server looks, while it answers without a stream, only after a second
 * in which nobody asked for its slots.
 */
async function isFree(fleet: Fleet): Promise<void> {
  for (let look = 0; look < 6; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    if ((await busySlots(fleet)) === 0) return;
  }
  throw new Error('the slot is still at work');
}

async function submitted(fleet: Fleet, input: object): Promise<string> {
  const answer = await fleet.ask('POST', '/actions', { ...CHAT, input });
  expect(answer.status).toBe(202);
  return v.parse(v.object({ id: v.string() }), await answer.json()).id;
}

function actionWhere(fleet: Fleet, id: string, state: Action['state'], withinMs = 20_000): Promise<Action> {
  const ask = async (): Promise<Action> => {
    const answer = await fleet.ask('GET', `/actions/${encodeURIComponent(id)}`);
    return v.parse(ActionSchema, await answer.json());
  };
  return until(ask, (action) => action.state === state, withinMs);
}

test('a chat through the hub, streamed too; a cancel frees the slot; a node that is gone is told', async () => {
  // Room for generations that would go on for long.
  const fleet = await Fleet.ready({ engineArgs: ['-c', '65536', '--parallel', '1', '--ignore-eos'] });

  const short = await submitted(fleet, { prompt: 'Say something', model: 'tiny', max_tokens: 8 });
  const { output } = await actionWhere(fleet, short, 'completed');
  expect(output).toMatchObject({
    backend: 'llama.cpp',
    model: 'tiny.gguf',
    node: NODE,
    runtime: RUNTIME,
    reply: { role: 'assistant', content: expect.any(String) },
    latency_ms: expect.any(Number),
  });

  const streamed = await fetch(`${fleet.hubUrl}/actions`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer e2e-admin-token',
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify({ ...CHAT, input: { prompt: 'Say something', node: NODE, max_tokens: 8 } }),
  });
  expect(streamed.headers.get('content-type')).toBe('text/event-stream');
  const text = await streamed.text();
  expect(sseData(text).length).toBeGreaterThan(7);
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  // The host's own telemetry counts what was relayed.
  await fleet.itemWhere((item) => item.http?.hits === 2 && item.http.errors === 0);

  const endless = { prompt: 'Go on', max_tokens: 60_000 };
  const isBusy = () =>
    until(
      () => busySlots(fleet),
      (busy) => busy === 1,
      5000,
    );
  const cancelled = await submitted(fleet, endless);
  await isBusy();
  const answer = await fleet.ask('DELETE', `/actions/${encodeURIComponent(cancelled)}`);
  expect(await answer.json()).toMatchObject({ state: 'failed', error: { reason: 'cancelled' } });
  await isFree(fleet);

  const silent = await submitted(fleet, endless);
  await isBusy();
  onTestFinished(() => fleet.reporter?.kill('SIGCONT'));
  fleet.reporter?.kill('SIGSTOP');
  const told = await actionWhere(fleet, silent, 'failed', TOLD_WITHIN_MS);
  expect(told.error).toMatchObject({ reason: 'node-silent' });
  // Once it is back it hears that nobody waits any more.
  fleet.reporter?.kill('SIGCONT');
  await isFree(fleet);
  await fleet.itemWhere((item) => item.uplink === 'open');

  const killed = await submitted(fleet, endless);
  await isBusy();
  fleet.reporter?.kill('SIGKILL');
  expect((await actionWhere(fleet, killed, 'failed', TOLD_WITHIN_MS)).error).toMatchObject({
    reason: 'node-gone',
  });
  // The engine outlives its reporter, and stops for a client that is gone.
  await isFree(fleet);
  // The next one adopts the engine, carries the next chat, and ends both when the test does.
  await fleet.startReporter();
  await fleet.statusWhere((status) => status.state === 'ready');
  await actionWhere(fleet, await submitted(fleet, { prompt: 'Again', max_tokens: 4 }), 'completed');
});
