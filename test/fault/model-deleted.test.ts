// The model file is deleted under a real llama-server: it serves on from what it has mapped, until it has to load again.

import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { Fleet } from '../support/fleet.ts';

const model = (folder: string): string => join(folder, 'mine.gguf');

test('it serves on; its next launch is blocked and spends nothing; with the file it comes back by itself', async () => {
  const fleet = await Fleet.prepare({ model });
  const file = model(fleet.directory);
  await copyFile(inject('tinyModel'), file);
  await fleet.startHub();
  await fleet.startReporter();
  const { pid = 0 } = await fleet.statusWhere((status) => status.state === 'ready');

  await rm(file);
  const chat = await fetch(`${fleet.engineUrl}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }], max_tokens: 8 }),
  });
  expect(chat.status).toBe(200);
  expect((await fleet.status())?.state).toBe('ready');

  process.kill(pid, 'SIGKILL');
  const reason = `Model file ${file} does not exist; put it there or change the -m argument`;
  const blocked = await fleet.statusWhere((status) => status.summary === reason);
  expect(blocked).toMatchObject({
    state: 'error',
    severity: 'error',
    detail: [expect.stringMatching(/^Checked again in \d+\.\d s; no restart was spent$/)],
    restarts_total: 0,
    restart_budget: { used: 0, remaining: 3 },
  });

  await copyFile(inject('tinyModel'), file);
  // Looked at again every 15 s, and started then.
  const again = await fleet.statusWhere((status) => status.state === 'ready', 30_000);
  expect(again).toMatchObject({ restarts_total: 1, restart_budget: { used: 1, remaining: 2 } });
  expect(again.pid).not.toBe(pid);
});
