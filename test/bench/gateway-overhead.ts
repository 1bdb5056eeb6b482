// Measures what the gateway adds between a client and an engine: direct, through the gateway of the built reporter, and
// through nginx as a plain proxy, in turns. Client, engines and proxies are processes of their own.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'smol-toml';
import { findEngine } from '../../scripts/engine/find-engine.ts';
import { findModel } from '../../scripts/engine/find-model.ts';
import { projectCacheDir } from '../../scripts/engine/project-cache.ts';
import { freePort } from '../../scripts/fleet/free-port.ts';
import { startNginx } from './gateway/nginx.ts';
import { measurePaced, TOKENS_PER_SECOND } from './gateway/paced.ts';
import { measureUnpaced, SLOTS } from './gateway/unpaced.ts';
import { endProcess, Load, type Ways } from './gateway/ways.ts';
import type { BenchResult } from './result.ts';

const BUILT_REPORTER = fileURLToPath(new URL('../../dist/arw-reporter.js', import.meta.url));
const PACED_ENGINE = fileURLToPath(new URL('./gateway/paced-engine.ts', import.meta.url));
const READY_WITHIN_MS = 30_000;

export async function gatewayOverhead(): Promise<BenchResult> {
  await access(BUILT_REPORTER).catch(() => {
    throw new Error('the built reporter is measured, and it is not there: run "npm run build" first');
  });
  const options = { env: process.env, cacheDir: projectCacheDir(), log: () => undefined };
  const engine = await findEngine(options);
  if (engine.kind === 'stub') throw new Error(`no llama-server to measure: ${engine.reason}`);
  const model = await findModel({ ...options, env: {} });
  const folder = await mkdtemp(join(tmpdir(), 'runtime-matrix-bench-'));
  const ending: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const [paced, llama, door] = [await freePort(), await freePort(), await freePort()];
    const [pacedProxy, llamaProxy] = [await freePort(), await freePort()];
    const manifest = join(folder, 'runtimes.toml');
    const ports = { paced, llama, door };
    await writeFile(manifest, manifestText(ports, { binary: engine.binary, model: model.path }));
    const reporter = await startReporter(manifest, join(folder, 'node'));
    ending.push(() => endProcess(reporter));
    const routes = [
      { listen: pacedProxy, upstream: paced },
      { listen: llamaProxy, upstream: llama },
    ];
    const nginx = await startNginx(routes, folder, projectCacheDir());
    ending.push(() => endProcess(nginx));
    const load = new Load();
    ending.push(() => load.stop());
    const gateway = `http://127.0.0.1:${door}`;
    const ways = (direct: number, proxy: number): Ways => ({
      origins: { direct: `http://127.0.0.1:${direct}`, gateway, nginx: `http://127.0.0.1:${proxy}` },
      proxyPid: { gateway: reporter.pid ?? 0, nginx: nginx.pid ?? 0 },
    });
    for (const name of ['paced', 'llama']) await untilServed(gateway, name);
    const before = loadavg()[0] ?? 0;
    const atPace = await measurePaced(load, ways(paced, pacedProxy));
    const unpaced = await measureUnpaced(load, ways(llama, llamaProxy));
    return {
      // What else ran: the bench itself keeps about two processes busy.
      figures: { load_average_before: before, ...atPace.figures, ...unpaced.figures },
      claims: [...atPace.claims, ...unpaced.claims],
    };
  } finally {
    for (const finish of ending.toReversed()) await finish();
  }
}

function manifestText(
  ports: { paced: number; llama: number; door: number },
  { binary, model }: { binary: string; model: string },
): string {
  const llamaArgs = ['-m', model, '--port', String(ports.llama), '-c', '8192', '--parallel', String(SLOTS)];
  return stringify({
    version: 1,
    gateway: { port: ports.door },
    runtimes: [
      {
        id: 'paced',
        adapter: 'process',
        process: {
          command: process.execPath,
          args: [PACED_ENGINE, String(ports.paced), String(TOKENS_PER_SECOND)],
          health: { url: `http://127.0.0.1:${ports.paced}/health` },
        },
      },
      {
        id: 'llama',
        adapter: 'llama.cpp',
        // Its threads would wait for each other by spinning, and on few cores take them from everything measured.
        process: { command: binary, args: [...llamaArgs, '--threads', '1', '--poll', '0'] },
      },
    ],
  });
}

/** As users have it; the hub is away, which the gateway does not need. */
async function startReporter(manifest: string, stateDir: string): Promise<ChildProcess> {
  const where = ['--hub', 'http://127.0.0.1:9', '--manifest', manifest, '--state-dir', stateDir];
  const child = spawn(process.execPath, [BUILT_REPORTER, 'run', ...where, '--stop-children'], {
    env: { ...process.env, ARW_JOIN_TOKEN: 'none', ARW_GATEWAY_PORT: '' },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  await once(child, 'spawn');
  return child;
}

async function untilServed(gateway: string, model: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  const body = JSON.stringify({ model, max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] });
  const asked = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  for (;;) {
    const answer = await fetch(`${gateway}/v1/chat/completions`, asked).catch(() => undefined);
    await answer?.text();
    if (answer?.status === 200) return;
    if (performance.now() > deadline)
      throw new Error(`${model} was not ready within ${READY_WITHIN_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
