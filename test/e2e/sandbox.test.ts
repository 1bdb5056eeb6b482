// The real llama-server in a real sandbox: it serves, crashes, is adopted and ends as an unconfined one does.

import { readdir, readFile, readlink } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { Fleet } from '../support/fleet.ts';
import { processesWith } from '../support/processes.ts';

async function chat(fleet: Fleet): Promise<number> {
  const answer = await fetch(`${fleet.engineUrl}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }], max_tokens: 8 }),
  });
  await answer.text();
  return answer.status;
}

/** The network namespaces that the process and its descendants live in. */
async function networksOf(pid: number): Promise<string[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const below = children.split(' ').filter((child) => child.trim() !== '');
  const networks = await Promise.all(below.map((child) => networksOf(Number(child))));
  return [...new Set([await readlink(`/proc/${pid}/ns/net`), ...networks.flat()])];
}

test('confined by bwrap: ready, chats, restarts after kill -9, is adopted, and ends without a trace', async () => {
  const fleet = await Fleet.ready({ sandbox: 'bwrap', keepEngine: true });
  onTestFinished(async () => {
    // The sandbox ends with it.
    for (const line of await processesWith(`${fleet.directory}/node/sandboxes`)) {
      process.kill(Number(line.split(' ')[0]), 'SIGKILL');
    }
  });
  const item = await fleet.itemWhere((found) => found.status.code === 'ok');
  expect(item.runtimes?.[0]?.descriptor).toMatchObject({ sandbox: 'bwrap' });
  expect(await chat(fleet)).toBe(200);
  const first = (await fleet.status())?.pid ?? 0;
  expect(await networksOf(first)).toHaveLength(2);

  process.kill(first, 'SIGKILL');
  const again = await fleet.statusWhere((status) => status.state === 'ready' && status.restarts_total === 1);
  expect(again).toMatchObject({ last_exit: { code: null, signal: 'SIGKILL' } });
  expect(await chat(fleet)).toBe(200);

  fleet.reporter?.kill('SIGKILL');
  await fleet.reporter?.ended;
  expect(await chat(fleet)).toBe(200);
  const { boot_id: boot } = (await fleet.item()) ?? {};
  await fleet.startReporter();
  const adopted = await fleet.itemWhere((found) => found.boot_id !== boot && found.status.code === 'ok');
  expect(adopted.runtimes?.[0]).toMatchObject({
    descriptor: { sandbox: 'bwrap' },
    status: { state: 'ready', pid: again.pid, restarts_total: 1 },
  });

  const engine = encodeURIComponent('gpu-01/llama.tiny');
  expect((await fleet.ask('POST', `/orchestrator/runtimes/${engine}/shutdown`, {})).status).toBe(202);
  await fleet.statusWhere((status) => status.state === 'offline' && status.pid === undefined);
  const engineArgs = `--port ${fleet.enginePort}`;
  await eventually('no process of the sandbox', async () => (await processesWith(engineArgs)).length === 0);
  expect(await readdir(`${fleet.directory}/node/sandboxes`)).toEqual([]);
});
