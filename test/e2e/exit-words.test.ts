// A real llama-server that fails for each reason that can be provoked here: its exit and its log, told in words.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { explainLlamaExit } from '../../reporter/backends/llama-exit.ts';
import { freePort, startEngine } from '../support/engine-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** As many as the supervisor reads. */
const LAST_LINES = 30;
const LIMIT_KIB = 700_000;

async function words(
  flags: readonly string[],
  command: readonly string[] = [inject('llamaServer')],
): Promise<string> {
  const [program = '', ...lead] = command;
  const server = startEngine(program, [...lead, '--host', '127.0.0.1', ...flags]);
  const exit = await server.exited;
  const lines = server
    .log()
    .split('\n')
    .filter((line) => line.trim() !== '');
  return explainLlamaExit({ ...exit, atMs: 0 }, lines.slice(-LAST_LINES));
}

const model = (): string[] => ['-m', inject('tinyModel')];
const because = (text: string): string => `Process failed (exit code 1): ${text} (`;

test('an argument that it does not know, and one without sense', async () => {
  expect(await words(['--prot', '8080'])).toBe(
    `${because('its arguments are wrong')}error: invalid argument: --prot)`,
  );
  expect(await words([...model(), '--port', 'http'])).toContain(because('its arguments are wrong'));
});

test('a port that is taken', async () => {
  const port = String(await freePort());
  await startEngine(inject('llamaServer'), [...model(), '--host', '127.0.0.1', '--port', port]).ready();
  expect(await words([...model(), '--port', port])).toContain(because('it could not bind its port'));
});

test('a model that is missing, one that is none, and one that is cut short', async () => {
  const folder = await temporaryFolder();
  const port = ['--port', String(await freePort())];
  const file = join(folder, 'x.gguf');
  expect(await words(['-m', file, ...port])).toContain(because('the model file is missing'));
  await writeFile(file, 'no model at all');
  expect(await words(['-m', file, ...port])).toContain(because('the model file is no GGUF file'));
  await writeFile(file, (await readFile(inject('tinyModel'))).subarray(0, 300_000));
  expect(await words(['-m', file, ...port])).toContain(because('the model file is incomplete or damaged'));
});

test('an adapter that is missing is not told as the model', async () => {
  const lora = join(await temporaryFolder(), 'a.lora');
  const told = await words([...model(), '--port', String(await freePort()), '--lora', lora]);
  expect(told).toContain(because('a file beside the model is missing'));
  expect(told).toContain(lora);
});

test('a folder of models that is missing', async () => {
  const folder = join(await temporaryFolder(), 'models');
  const told = await words(['--models-dir', folder, '--port', String(await freePort())]);
  expect(told).toContain(because('the folder or the preset file of its models cannot be used'));
});

test('a context for which there is no memory', async () => {
  const limited = ['/bin/sh', '-c', `ulimit -v ${LIMIT_KIB}; exec "$0" "$@"`, inject('llamaServer')];
  const told = await words([...model(), '--port', String(await freePort()), '-c', '4000000'], limited);
  expect(told).toContain(because('memory ran out'));
});

test('a server that is killed', async () => {
  const server = startEngine(inject('llamaServer'), [...model(), '--port', String(await freePort())]);
  await server.ready();
  server.kill('SIGKILL');
  const exit = await server.exited;
  expect(explainLlamaExit({ ...exit, atMs: 0 }, [])).toBe(
    'Process killed (SIGKILL: by hand, or by the kernel when memory ran out)',
  );
});
