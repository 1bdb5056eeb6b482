// Measures what the bwrap sandbox adds to a request: the same llama-server twice, unconfined and confined, asked in turn.

import { mkdtemp, open, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sandboxesOf } from '../../reporter/sandbox/sandboxes.ts';
import { Child } from '../../reporter/supervisor/child.ts';
import { findEngine } from '../../scripts/engine/find-engine.ts';
import { findModel } from '../../scripts/engine/find-model.ts';
import { projectCacheDir } from '../../scripts/engine/project-cache.ts';
import { freePort } from '../../scripts/fleet/free-port.ts';
import { quantile, type BenchResult } from './result.ts';

const WARM_UP = 100;
const ROUNDS = 1_000;
const READY_WITHIN_MS = 30_000;
/** As for a relayed token in the gateway. */
const LIMIT_US = 1_000;

type Server = { child: Child; port: number; agent: Agent };

export async function sandboxOverhead(): Promise<BenchResult> {
  const directory = await mkdtemp(join(tmpdir(), 'runtime-matrix-bench-'));
  const servers: Server[] = [];
  try {
    for (const kind of ['none', 'bwrap'] as const) servers.push(await start(directory, kind));
    const [direct, confined] = servers;
    if (direct === undefined || confined === undefined) throw new Error('unreachable: both were started');
    const kept = await inTurn(direct, confined, true);
    const fresh = await inTurn(direct, confined, false);
    return {
      figures: {
        ...named('kept_connection', kept),
        ...named('new_connection', fresh),
      },
      claims: [
        {
          claim: `a request takes at most ${LIMIT_US} µs longer at the median, over a kept connection and over a new one`,
          held: added(kept, 0.5) <= LIMIT_US && added(fresh, 0.5) <= LIMIT_US,
        },
      ],
    };
  } finally {
    for (const { child, agent } of servers) {
      agent.destroy();
      child.signal('SIGKILL');
      await child.exited;
    }
    await rm(directory, { recursive: true, force: true });
  }
}

async function start(directory: string, kind: 'none' | 'bwrap'): Promise<Server> {
  const options = { env: process.env, cacheDir: projectCacheDir(), log: () => undefined };
  const engine = await findEngine(options);
  if (engine.kind === 'stub') throw new Error(`no llama-server to measure: ${engine.reason}`);
  const model = await findModel({ ...options, env: {} });
  const port = await freePort();
  const args = ['-m', model.path, '--host', '127.0.0.1', '--port', String(port), '-c', '512'];
  const spec = { command: engine.binary, args, env: {}, workdir: undefined };
  const endpoint = { origin: `http://127.0.0.1:${port}`, headers: {} };
  const entry = { id: kind, adapter: 'llama.cpp', process: {} } as const;
  const sandbox = sandboxesOf(entry, { node: 'bench', stateDir: directory, stopGraceMs: 5_000 })(kind);
  const faults = await sandbox.faults(spec, endpoint);
  if (faults.length > 0) throw new Error(faults.join('; '));
  const log = await open(join(directory, `${kind}.log`), 'a');
  const child = await Child.spawn(sandbox.confine(spec, endpoint), log.fd);
  await log.close();
  const deadline = performance.now() + READY_WITHIN_MS;
  while ((await fetch(`${endpoint.origin}/health`).catch(() => undefined))?.status !== 200) {
    if (performance.now() > deadline) throw new Error(`${kind}: not ready within ${READY_WITHIN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { child, port, agent: new Agent({ keepAlive: true, maxSockets: 1 }) };
}

type Samples = { directUs: number[]; confinedUs: number[] };

async function inTurn(direct: Server, confined: Server, kept: boolean): Promise<Samples> {
  const samples: Samples = { directUs: [], confinedUs: [] };
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    // Either goes first as often as second: what a request leaves running weighs on the next.
    for (const server of round % 2 === 0 ? [direct, confined] : [confined, direct]) {
      const us = await requestUs(server, kept);
      if (round >= 0) (server === direct ? samples.directUs : samples.confinedUs).push(us);
    }
  }
  return samples;
}

/** From the request until its answer is whole: the cheapest that the server has, so that the way to it shows. */
function requestUs({ port, agent }: Server, kept: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const asked = request(
      { host: '127.0.0.1', port, agent: kept ? agent : false, path: '/health' },
      (answer) => {
        answer.resume().once('end', () => resolve((performance.now() - startedAt) * 1000));
      },
    );
    asked.once('error', reject);
    asked.end();
  });
}

function named(what: string, samples: Samples): Record<string, number> {
  return {
    [`${what}_direct_p50_us`]: quantile(samples.directUs, 0.5),
    [`${what}_bwrap_p50_us`]: quantile(samples.confinedUs, 0.5),
    [`${what}_direct_p99_us`]: quantile(samples.directUs, 0.99),
    [`${what}_bwrap_p99_us`]: quantile(samples.confinedUs, 0.99),
  };
}

function added({ directUs, confinedUs }: Samples, q: number): number {
  return quantile(confinedUs, q) - quantile(directUs, q);
}
