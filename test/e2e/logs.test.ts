// The log of a real llama-server, read through a real hub: there when it is asked for, live, and without its API key.

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { ADMIN_TOKEN, Fleet, NODE, RUNTIME } from '../support/fleet.ts';

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const KEY = 'secret-123456';

test('tail shows the start without the API key, and follow a line that a request causes, across a restart', async () => {
  // So talkative it prints the end of its key.
  const fleet = await Fleet.ready({ engineArgs: ['--api-key', KEY, '-lv', '4'] });
  const written = await readFile(join(fleet.directory, 'node', 'logs', `${RUNTIME}.log`), 'utf8');
  expect(written).toContain('****3456');

  const path = `/orchestrator/runtimes/${encodeURIComponent(`${NODE}/${RUNTIME}`)}/logs?tail=1000`;
  const answer = await fleet.ask('GET', path);
  const told = await answer.text();
  expect(answer.status).toBe(200);
  expect(told).toContain('llama_server: model loaded');
  expect(told).toContain('api_keys: [redacted]');
  expect(told).not.toMatch(/secret-123456|\*3456/);

  const args = [CLI, 'runtime', 'logs', '--id', `${NODE}/${RUNTIME}`, '--tail', '0', '--follow'];
  const cli = spawn(process.execPath, args, {
    env: { ...process.env, ARW_HUB_URL: fleet.hubUrl, ARW_ADMIN_TOKEN: ADMIN_TOKEN },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void cli.kill('SIGKILL'));
  const ended = new Promise((resolve) => cli.once('close', resolve));
  let printed = '';
  cli.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));

  // Asked until it is seen: the follow begins a moment after the program does.
  await eventually('a line that a request causes', async () => {
    await fetch(`${fleet.engineUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], max_tokens: 2 }),
    });
    return /processing task/.test(printed);
  });
  expect(printed).not.toContain('model loaded');
  await fleet.restore();
  await eventually('the start of the next launch', () => /llama_server: model loaded/.test(printed));
  expect(printed).toContain('api_keys: [redacted]');
  expect(printed).not.toMatch(/secret-123456|\*3456/);
  cli.kill('SIGINT');
  expect(await ended).toBe(0);
});

test('the words of an end hold no key either', async () => {
  const fleet = await Fleet.prepare({ engineArgs: ['--api-key', KEY, `--no-such=${KEY}`] });
  await fleet.startHub();
  await fleet.startReporter();
  // It is launched again at once, and what is said then is of that launch: looked at until the end is told.
  await eventually('the words of an end', async () => {
    const matrix = await (await fleet.ask('GET', '/state/runtime_matrix')).text();
    expect(matrix).not.toContain(KEY);
    return matrix.includes('--no-such=[redacted]');
  });
  expect((await fleet.status())?.state).not.toBe('ready');
});
