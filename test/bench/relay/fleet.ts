// Owns the fleet of the bench: the built hub under plain workerd, the built reporter, a real llama-server and the paced
// engines, each a process of its own, on one machine.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stringify } from 'smol-toml';
import * as v from 'valibot';
import { freePort } from '../../../scripts/fleet/free-port.ts';
import { endProcess } from '../gateway/ways.ts';

const HUB = fileURLToPath(new URL('../../../dist/arw-hub.js', import.meta.url));
const REPORTER = fileURLToPath(new URL('../../../dist/arw-reporter.js', import.meta.url));
const ENGINE = fileURLToPath(new URL('../gateway/paced-engine.ts', import.meta.url));
const READY_WITHIN_MS = 30_000;
const TOKEN = 'bench-admin-token';

export const TOKENS_PER_SECOND = 100;
/** More than anything on the way carries: each stream gives what it can. */
const FLOOD_TOKENS_PER_SECOND = 100_000;
export const SLOTS = 4;

export type BenchFleet = {
  hub: string;
  token: string;
  ports: Readonly<Record<'paced' | 'flood' | 'llama', number>>;
  reporterPid: number;
  workerdPid: number;
};

/** @param ending gets what is to be done at the end, the last one first. */
export async function startFleet(
  folder: string,
  engine: { binary: string; model: string },
  ending: (() => Promise<void>)[],
): Promise<BenchFleet> {
  for (const file of [HUB, REPORTER]) {
    await access(file).catch(() => {
      throw new Error('the built programs are measured, and they are not there: run "npm run build" first');
    });
  }
  const ports = { paced: await freePort(), flood: await freePort(), llama: await freePort() };
  const data = join(folder, 'hub');
  const served = spawn(process.execPath, [HUB, '--port', '0', '--data', data], {
    env: { ...process.env, ARW_ADMIN_TOKEN: TOKEN },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  ending.push(() => endProcess(served));
  const hub = await readyUrl(served);
  const manifest = join(folder, 'runtimes.toml');
  await writeFile(manifest, manifestText(ports, engine));
  const made = await ask(hub, 'POST', '/join-tokens', {});
  const { join_token } = v.parse(v.object({ join_token: v.string() }), await made.json());
  const where = [
    '--hub',
    hub,
    '--node',
    'bench',
    '--manifest',
    manifest,
    '--state-dir',
    join(folder, 'node'),
  ];
  const reporter = spawn(process.execPath, [REPORTER, 'run', ...where, '--stop-children'], {
    env: { ...process.env, ARW_JOIN_TOKEN: join_token, ARW_GATEWAY_PORT: '0' },
    stdio: 'ignore',
  });
  ending.push(() => endProcess(reporter));
  for (const model of Object.keys(ports)) await untilServed(hub, model);
  const noted: unknown = JSON.parse(await readFile(join(data, 'workerd.json'), 'utf8'));
  const { pid: workerdPid } = v.parse(v.object({ pid: v.number() }), noted);
  return { hub, token: TOKEN, ports, reporterPid: reporter.pid ?? 0, workerdPid };
}

async function readyUrl(served: ChildProcess): Promise<string> {
  if (served.stdout === null) throw new Error('unreachable: its output is piped');
  const lines = createInterface({ input: served.stdout });
  const ended = once(served, 'exit').then(() => {
    throw new Error('the hub ended before it served; its last words are above');
  });
  const url = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      const ready = /^hub ready (http:\S+)$/.exec(line)?.[1];
      if (ready !== undefined) resolve(ready);
    });
  });
  return Promise.race([url, ended]);
}

function manifestText(
  ports: BenchFleet['ports'],
  { binary, model }: { binary: string; model: string },
): string {
  const paced = (id: 'paced' | 'flood', tokensPerSecond: number) => ({
    id,
    adapter: 'process',
    process: {
      command: process.execPath,
      args: [ENGINE, String(ports[id]), String(tokensPerSecond)],
      health: { url: `http://127.0.0.1:${ports[id]}/health` },
    },
  });
  const llamaArgs = ['-m', model, '--port', String(ports.llama), '-c', '8192', '--parallel', String(SLOTS)];
  return stringify({
    version: 1,
    runtimes: [
      paced('paced', TOKENS_PER_SECOND),
      paced('flood', FLOOD_TOKENS_PER_SECOND),
      {
        id: 'llama',
        adapter: 'llama.cpp',
        // Its threads would wait for each other by spinning, and on few cores take them from everything measured.
        process: { command: binary, args: [...llamaArgs, '--threads', '1', '--poll', '0'] },
      },
    ],
  });
}

async function untilServed(hub: string, model: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const input = { prompt: 'Hi', model, max_tokens: 1 };
    const answer = await ask(hub, 'POST', '/actions', { kind: 'chat.respond', input }, 'text/event-stream');
    const text = await answer.text();
    if (answer.status === 200) return;
    if (performance.now() > deadline) {
      throw new Error(`${model} was not ready within ${READY_WITHIN_MS / 1000} s: ${text}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function ask(hub: string, method: string, path: string, body: object, accept = '*/*'): Promise<Response> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', accept };
  return fetch(`${hub}${path}`, { method, headers, body: JSON.stringify(body) });
}
