// `npm start`, as somebody who has just cloned the project meets it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { expect, onTestFinished, test } from 'vitest';
import { MatrixSchema } from '../../contract/read-models.ts';
import { processesWith } from '../support/processes.ts';
import { run } from '../support/shell.ts';

test('it prints a curl command that works, the CLI works with its token, and Ctrl-C leaves nothing behind', async () => {
  const data = await mkdtemp(join(tmpdir(), 'runtime-matrix-start-'));
  // Its own group, as under a terminal: Ctrl-C goes to npm and to all that is in the foreground.
  const child = spawn('npm', ['start', '--', '--port', '0', '--data', data], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const closed = once(child, 'close');
  onTestFinished(async () => {
    // A Ctrl-C here too: a SIGKILL would leave a fleet behind.
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGINT');
    await closed;
    await rm(data, { recursive: true, force: true });
  });
  const lines: string[] = [];
  const settled = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (line.startsWith('local: ')) resolve();
    });
  });
  await Promise.race([settled, closed]);

  const output = lines.join('\n');
  expect(output).toMatch(/^engine: llama\.cpp, /m);
  expect(output).toMatch(/^local: Ready - Runtime telemetry nominal \(engine: llama\.cpp\)$/m);
  const matrixUrl = /^matrix: (\S+\/state\/runtime_matrix)$/m.exec(output)?.[1] ?? '';
  const token = /^ARW_ADMIN_TOKEN=(\S+)$/m.exec(output)?.[1] ?? '';
  const curl = /^curl .*$/m.exec(output)?.[0] ?? '';

  const pasted = await run('sh', ['-c', `${curl} --silent --show-error`]);
  expect(pasted.stderr).toBe('');
  expect(v.parse(MatrixSchema, JSON.parse(pasted.stdout)).items['local']).toMatchObject({
    status: { code: 'ok' },
    runtimes: [
      { descriptor: { adapter: 'llama.cpp', models: [{ id: 'tiny.gguf' }] }, status: { state: 'ready' } },
    ],
  });

  const chatCurl = /^curl .*\/v1\/chat\/completions .*$/m.exec(output)?.[0] ?? '';
  const chatted = await run('sh', ['-c', `${chatCurl} --silent --show-error`]);
  expect(JSON.parse(chatted.stdout)).toMatchObject({ choices: [{ message: { role: 'assistant' } }] });

  const env = { ...process.env, ARW_HUB_URL: new URL(matrixUrl).origin, ARW_ADMIN_TOKEN: token };
  const status = await run('npm', ['run', '-s', 'cli', '--', 'runtime', 'status'], { env });
  expect(status).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('local/llama.local  Ready (Info)'),
  });

  expect(await processesWith(data)).not.toEqual([]);
  process.kill(-(child.pid ?? 0), 'SIGINT');
  await closed;
  expect(await processesWith(data)).toEqual([]);
  // The engine's command line does not name the data folder; the matrix named its process.
  const { pid } =
    v.parse(MatrixSchema, JSON.parse(pasted.stdout)).items['local']?.runtimes?.[0]?.status ?? {};
  expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
});
