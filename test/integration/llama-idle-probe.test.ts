// A model at rest that gives no token, at a server that answers as a test wants: silence of every sort, told as it is.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { llamaCppBackend } from '../../reporter/backends/llama-cpp.ts';
import type { IdleProbeNews } from '../../reporter/supervisor/idle-doubt.ts';
import type { Observation } from '../../reporter/supervisor/state.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { captured } from '../support/http-answers.ts';

const { signal } = new AbortController();
const LOOK_MS = 2_500;
/** The first finds it idle, the third has found it so for 5 s. */
const LOOKS_TO_A_QUESTION = 3;
const UNANSWERED: IdleProbeNews = { kind: 'unanswered', reason: 'no token within 2 s' };

type Answer = { status?: number; body: string } | 'silence';

/**
 * A server whose clock stands still but for the looks at it.
 * @param then what it answers from the first question on.
 * @param wedgeSeconds how long a question waits for its token: long where a test is about what comes meanwhile.
 */
async function atRest(completion: Answer, then: Record<string, Answer> = {}, wedgeSeconds = 2) {
  const port = await freePort();
  const answers: Record<string, Answer> = {
    '/health': { body: captured('health.ok.200.json') },
    '/props': { body: captured('props.json') },
    '/slots': { body: captured('slots.idle.json') },
    '/metrics': { body: captured('metrics.txt') },
    '/v1/models': { body: captured('models.json') },
    '/completion': completion,
  };
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    if (path === '/completion') Object.assign(answers, then);
    const answer = answers[path] ?? { status: 404, body: '{}' };
    if (answer !== 'silence') response.writeHead(answer.status ?? 200).end(answer.body);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  let nowMs = 0;
  const health = { url: `http://127.0.0.1:${port}/health`, timeout_ms: 1_000 };
  const args = ['-m', 'tiny.gguf', '--port', String(port)];
  const process = { args, health, idle_probe_seconds: 5, wedge_seconds: wedgeSeconds };
  const descriptor = { id: 'llama', name: 'llama', adapter: 'llama.cpp', modalities: ['text'] };
  const backend = llamaCppBackend(
    { id: 'llama', adapter: 'llama.cpp', process },
    descriptor,
    'x',
    () => nowMs,
  );
  const news: IdleProbeNews[] = [];
  const look = async (): Promise<Observation> => {
    nowMs += LOOK_MS;
    const seen = await backend.observe(signal);
    if (seen.kind === 'ready') news.push(...(seen.idleProbes ?? []));
    return seen;
  };
  const nextNews = (): Promise<IdleProbeNews> =>
    eventually('news of a question', async () => {
      if (news.length === 0) await look();
      return news.shift();
    });
  const questions = (): number => asked.filter((path) => path === '/completion').length;
  /** Looks until it is asked, and not once more before the question has arrived. */
  const rest = async (): Promise<void> => {
    for (let index = 0; index < LOOKS_TO_A_QUESTION; index += 1) await look();
    await eventually('a question', () => questions() === 1);
  };
  return { answers, look, nextNews, questions, rest };
}

test('a queue that is stuck takes the slots with it: asked twice, and told twice', async () => {
  const server = await atRest('silence', { '/slots': 'silence', '/metrics': 'silence' });
  await server.rest();
  expect(await server.nextNews()).toEqual(UNANSWERED);
  expect(await server.nextNews()).toEqual(UNANSWERED);
  expect(server.questions()).toBe(2);
});

test('somebody who came in with the question makes it wait, and that proves nothing', async () => {
  const server = await atRest('silence');
  await server.rest();
  const busy = captured('slots.busy.json');
  server.answers['/slots'] = { body: busy };
  await server.look();
  server.answers['/slots'] = { body: busy.replace(/("n_decoded":\s*)343/, '$1344') };
  expect(await server.nextNews()).toEqual({ kind: 'settled' });
});

test('its own question is nobody’s job', async () => {
  const server = await atRest('silence', {}, 60);
  await server.rest();
  server.answers['/slots'] = { body: captured('slots.busy.json') };
  const seen = await server.look();
  expect(seen).toMatchObject({ kind: 'ready', health: { inflight_jobs: 0 } });
  expect(seen).not.toHaveProperty('work');
});

test('a decode that fails is told with what the server says', async () => {
  const server = await atRest({ status: 500, body: '{"error":{"message":"Compute error."}}' });
  expect(await server.nextNews()).toEqual({ kind: 'unanswered', reason: 'HTTP 500' });
});

test('a server that makes no text says so once, and is not asked again', async () => {
  const server = await atRest({ status: 501, body: '{}' });
  const seen = await eventually('the note', async () => {
    const look = await server.look();
    return look.kind === 'ready' && look.notes.length > 0 ? look : undefined;
  });
  expect(seen.notes).toEqual(['Idle probe not possible (HTTP 501); idle_probe_seconds = 0 switches it off']);
  for (let look = 0; look < 10; look += 1) await server.look();
  expect(server.questions()).toBe(1);
});
