// Measures what the gateway adds between a client and an engine: direct, through the gateway of the built reporter, and
// through nginx as a plain proxy, in turns. Client, engines and proxies are processes of their own.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stringify } from 'smol-toml';
import * as v from 'valibot';
import { findEngine } from '../../scripts/engine/find-engine.ts';
import { findModel } from '../../scripts/engine/find-model.ts';
import { projectCacheDir } from '../../scripts/engine/project-cache.ts';
import { freePort } from '../../scripts/fleet/free-port.ts';
import { startNginx } from './gateway/nginx.ts';
import { MeasuredSchema, type Measured, type Order } from './gateway/order.ts';
import { fineQuantile, type BenchResult } from './result.ts';

const STREAMS = 64;
const TOKENS_PER_SECOND = 100;
const PACED_SECONDS = 8;
const PACED_ROUNDS = 3;
const LLAMA_ROUNDS = 6;
const LLAMA_SLOTS = 4;
const WAYS = ['direct', 'gateway', 'nginx'] as const;
type Way = (typeof WAYS)[number];
type Origins = Record<Way, string>;

const BUILT_REPORTER = fileURLToPath(new URL('../../dist/arw-reporter.js', import.meta.url));
const PACED_ENGINE = fileURLToPath(new URL('./gateway/paced-engine.ts', import.meta.url));
const LOAD = fileURLToPath(new URL('./gateway/load.ts', import.meta.url));

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
    const [paced, llama] = [await freePort(), await freePort()];
    const [gatewayPort, pacedProxy, llamaProxy] = [await freePort(), await freePort(), await freePort()];
    const manifest = join(folder, 'runtimes.toml');
    const llamaArgs = [
      '-m',
      model.path,
      '--port',
      String(llama),
      '-c',
      '8192',
      '--parallel',
      String(LLAMA_SLOTS),
      // Its threads would wait for each other by spinning, and on few cores take them from everything measured.
      '--threads',
      '1',
      '--poll',
      '0',
    ];
    await writeFile(
      manifest,
      stringify({
        version: 1,
        gateway: { port: gatewayPort },
        runtimes: [
          {
            id: 'paced',
            adapter: 'process',
            process: {
              command: process.execPath,
              args: [PACED_ENGINE, String(paced), String(TOKENS_PER_SECOND)],
              health: { url: `http://127.0.0.1:${paced}/health` },
            },
          },
          { id: 'llama', adapter: 'llama.cpp', process: { command: engine.binary, args: llamaArgs } },
        ],
      }),
    );
    ending.push(await startReporter(manifest, join(folder, 'node')));
    const routes = [
      { listen: pacedProxy, upstream: paced },
      { listen: llamaProxy, upstream: llama },
    ];
    const nginx = await startNginx(routes, folder, projectCacheDir());
    ending.push(() => nginx.stop());
    const load = new Load();
    ending.push(() => load.stop());
    const gateway = `http://127.0.0.1:${gatewayPort}`;
    const origins = (direct: number, proxy: number): Origins => ({
      direct: `http://127.0.0.1:${direct}`,
      gateway,
      nginx: `http://127.0.0.1:${proxy}`,
    });
    await untilServed(gateway, ['paced', 'llama']);
    const pacedResult = await measurePaced(load, origins(paced, pacedProxy));
    const llamaResult = await measureLlama(load, origins(llama, llamaProxy));
    return {
      figures: { ...pacedResult.figures, ...llamaResult.figures },
      claims: [...pacedResult.claims, ...llamaResult.claims],
    };
  } finally {
    for (const finish of ending.toReversed()) await finish();
  }
}

async function measurePaced(load: Load, origins: Origins): Promise<BenchResult> {
  const pace: Record<Way, number[]> = { direct: [], gateway: [], nginx: [] };
  const delays: Record<Way, number[]> = { direct: [], gateway: [], nginx: [] };
  const order = (way: Way, seconds: number): Order => ({
    url: `${origins[way]}/v1/chat/completions`,
    streams: STREAMS,
    requests: STREAMS,
    body: { model: 'paced', stream: true, max_tokens: seconds * TOKENS_PER_SECOND },
  });
  for (const way of WAYS) await load.carryOut(order(way, 2));
  for (let round = 1; round <= PACED_ROUNDS; round += 1) {
    for (const way of inTurns(round)) {
      const measured = await load.carryOut(order(way, PACED_SECONDS));
      pace[way].push(measured.tokens / measured.seconds);
      delays[way].push(...measured.delaysMs);
      tell(
        `paced round ${round} ${way}: ${pace[way].at(-1)?.toFixed(0)} tokens/s, delay p50 ` +
          `${fineQuantile(measured.delaysMs, 0.5)} ms, p99 ${fineQuantile(measured.delaysMs, 0.99)} ms`,
      );
    }
  }
  const share = fineQuantile(pace.gateway, 0.5) / fineQuantile(pace.direct, 0.5);
  const added = (way: Way, q: number): number =>
    round2(fineQuantile(delays[way], q) - fineQuantile(delays.direct, q));
  return {
    figures: {
      paced_streams: STREAMS,
      paced_direct_tokens_per_second: Math.round(fineQuantile(pace.direct, 0.5)),
      paced_gateway_share_of_direct: round2(share * 100) / 100,
      paced_nginx_share_of_direct:
        round2((fineQuantile(pace.nginx, 0.5) / fineQuantile(pace.direct, 0.5)) * 100) / 100,
      paced_direct_delay_p50_ms: fineQuantile(delays.direct, 0.5),
      paced_direct_delay_p99_ms: fineQuantile(delays.direct, 0.99),
      paced_gateway_added_p50_ms: added('gateway', 0.5),
      paced_gateway_added_p99_ms: added('gateway', 0.99),
      paced_nginx_added_p50_ms: added('nginx', 0.5),
      paced_nginx_added_p99_ms: added('nginx', 0.99),
    },
    claims: [
      { claim: 'paced: at least 99 % of the tokens/s of direct', held: share >= 0.99 },
      { claim: 'paced: a token is at most 1 ms later at the median', held: added('gateway', 0.5) <= 1 },
      { claim: 'paced: a token is at most 5 ms later at p99', held: added('gateway', 0.99) <= 5 },
    ],
  };
}

async function measureLlama(load: Load, origins: Origins): Promise<BenchResult> {
  const first: Record<Way, number[]> = { direct: [], gateway: [], nginx: [] };
  const pace: Record<Way, number[]> = { direct: [], gateway: [], nginx: [] };
  const order = (way: Way, streams: number, requests: number, tokens: number): Order => ({
    url: `${origins[way]}/v1/chat/completions`,
    streams,
    requests,
    body: {
      model: 'llama',
      stream: true,
      max_tokens: tokens,
      ignore_eos: true,
      cache_prompt: false,
      messages: [{ role: 'user', content: 'Say something.' }],
    },
  });
  for (const way of WAYS) await load.carryOut(order(way, LLAMA_SLOTS, LLAMA_SLOTS, 200));
  for (let round = 1; round <= LLAMA_ROUNDS; round += 1) {
    for (const way of inTurns(round)) {
      const single = await load.carryOut(order(way, 1, 25, 4));
      first[way].push(...single.firstMs);
      const full = await load.carryOut(order(way, LLAMA_SLOTS, LLAMA_SLOTS * 2, 1_000));
      pace[way].push(full.tokens / full.seconds);
      tell(
        `llama round ${round} ${way}: first token p50 ${fineQuantile(single.firstMs, 0.5)} ms, ` +
          `${pace[way].at(-1)?.toFixed(0)} tokens/s with ${LLAMA_SLOTS} streams`,
      );
    }
  }
  const added = round2(fineQuantile(first.gateway, 0.5) - fineQuantile(first.direct, 0.5));
  const share = fineQuantile(pace.gateway, 0.5) / fineQuantile(pace.nginx, 0.5);
  return {
    figures: {
      llama_direct_first_token_p50_ms: fineQuantile(first.direct, 0.5),
      llama_gateway_added_first_token_p50_ms: added,
      llama_nginx_added_first_token_p50_ms: round2(
        fineQuantile(first.nginx, 0.5) - fineQuantile(first.direct, 0.5),
      ),
      llama_direct_tokens_per_second: Math.round(fineQuantile(pace.direct, 0.5)),
      llama_gateway_tokens_per_second: Math.round(fineQuantile(pace.gateway, 0.5)),
      llama_nginx_tokens_per_second: Math.round(fineQuantile(pace.nginx, 0.5)),
      llama_gateway_share_of_nginx: round2(share),
    },
    claims: [
      { claim: 'llama-server: the first token is at most 1 ms later at the median', held: added <= 1 },
      { claim: "llama-server: at least 80 % of nginx's tokens/s", held: share >= 0.8 },
    ],
  };
}

/** Another way goes first each round: what warms up or tires favours none. */
function inTurns(round: number): Way[] {
  return WAYS.map((_, index) => WAYS[(index + round) % WAYS.length] ?? 'direct');
}

/** As users have it; the hub is away, which the gateway does not need. */
async function startReporter(manifest: string, stateDir: string): Promise<() => Promise<void>> {
  const where = [
    '--hub',
    'http://127.0.0.1:9',
    '--manifest',
    manifest,
    '--state-dir',
    stateDir,
    '--stop-children',
  ];
  const child = spawn(process.execPath, [BUILT_REPORTER, 'run', ...where], {
    env: { ...process.env, ARW_JOIN_TOKEN: 'none' },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  await once(child, 'spawn');
  return () => end(child);
}

async function untilServed(gateway: string, models: readonly string[]): Promise<void> {
  const deadline = performance.now() + 30_000;
  const isServed = async (model: string): Promise<boolean> => {
    const body = JSON.stringify({ model, max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${gateway}/v1/chat/completions`, { method: 'POST', headers, body }).catch(
      () => undefined,
    );
    await answer?.text();
    return answer?.status === 200;
  };
  for (const model of models) {
    while (!(await isServed(model))) {
      if (performance.now() > deadline) throw new Error(`${model} was not ready within 30 s`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

class Load {
  readonly #child = spawn(process.execPath, [LOAD], { stdio: ['pipe', 'pipe', 'inherit'] });
  readonly #lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();

  async carryOut(order: Order): Promise<Measured> {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the load generator ended; its last words are above');
    return v.parse(MeasuredSchema, JSON.parse(line.value));
  }

  async stop(): Promise<void> {
    await end(this.#child);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}
