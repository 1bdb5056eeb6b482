// Measures how long a change takes from its happening on the host to the matrix: crashes and readiness of a real
// llama-server. The direct path in the same rounds is the engine itself: its process's end, its first good /health.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { MatrixSchema } from '../../contract/read-models.ts';
import type { RuntimeStatus } from '../../contract/runtime-record.ts';
import { findEngine } from '../../scripts/engine/find-engine.ts';
import { findModel } from '../../scripts/engine/find-model.ts';
import { projectCacheDir } from '../../scripts/engine/project-cache.ts';
import { startFleet, type Fleet } from '../../scripts/fleet/fleet.ts';
import { freePort } from '../../scripts/fleet/free-port.ts';
import { RUNTIME_ID } from '../../scripts/fleet/manifest.ts';
import { quantile, type BenchResult } from './result.ts';

const ROUNDS = 20;
const LIMIT_MS = 300;
const GIVE_UP_MS = 30_000;

export async function changeLatency(): Promise<BenchResult> {
  const directory = await mkdtemp(join(tmpdir(), 'runtime-matrix-bench-'));
  const enginePort = await freePort();
  const options = { env: process.env, cacheDir: projectCacheDir(), log: () => undefined };
  const engine = await findEngine(options);
  if (engine.kind === 'stub') throw new Error(`no llama-server to measure: ${engine.reason}`);
  const model = await findModel({ ...options, env: {} });
  const fleet = await startFleet({
    directory,
    host: '127.0.0.1',
    port: 0,
    engine,
    modelPath: model.path,
    // A budget that outlasts the bench; everything else as users have it.
    env: {
      ...process.env,
      LLAMA_SERVER_PORT: String(enginePort),
      ARW_RUNTIME_RESTART_MAX: String(ROUNDS * 3),
    },
  });
  try {
    return await measure(fleet, `http://127.0.0.1:${enginePort}/health`);
  } finally {
    await fleet.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(fleet: Fleet, healthUrl: string): Promise<BenchResult> {
  const crash = { matrixMs: [] as number[], directMs: [] as number[] };
  const ready = { matrixMs: [] as number[] };
  let status = await statusWhere(fleet, (found) => found.state === 'ready');
  for (let round = 1; round <= ROUNDS; round += 1) {
    const { pid } = status.value;
    if (pid === undefined) throw new Error('the matrix names no process');
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    const goneAt = moment(() => !exists(pid));
    const answersAt = goneAt.then(() =>
      moment(async () => (await fetch(healthUrl).catch(() => undefined))?.status === 200),
    );
    const crashSeen = statusWhere(fleet, (found) => found.pid !== pid);
    const readySeen = statusWhere(fleet, (found) => found.state === 'ready' && found.pid !== pid);
    crash.directMs.push((await goneAt) - killedAt);
    crash.matrixMs.push((await crashSeen).at - killedAt);
    // Crash after crash, the backoff would outlast the bench: an operator ends it, and changes nothing else.
    await endBackoff(fleet);
    ready.matrixMs.push((await readySeen).at - (await answersAt));
    status = await readySeen;
    process.stdout.write(
      `round ${round}: crash ${crash.matrixMs.at(-1)?.toFixed(0)} ms, ready ${ready.matrixMs.at(-1)?.toFixed(0)} ms\n`,
    );
  }
  const crashMax = quantile(crash.matrixMs, 1);
  const readyMax = quantile(ready.matrixMs, 1);
  return {
    figures: {
      rounds: ROUNDS,
      crash_in_matrix_p50_ms: quantile(crash.matrixMs, 0.5),
      crash_in_matrix_max_ms: crashMax,
      crash_direct_p50_ms: quantile(crash.directMs, 0.5),
      ready_in_matrix_after_engine_p50_ms: quantile(ready.matrixMs, 0.5),
      ready_in_matrix_after_engine_max_ms: readyMax,
    },
    claims: [
      { claim: `every crash in the matrix within ${LIMIT_MS} ms`, held: crashMax <= LIMIT_MS },
      { claim: `every readiness in the matrix within ${LIMIT_MS} ms`, held: readyMax <= LIMIT_MS },
    ],
  };
}

async function endBackoff({ hubUrl, adminToken, node }: Fleet): Promise<void> {
  const id = encodeURIComponent(`${node}/${RUNTIME_ID}`);
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  const answer = await fetch(`${hubUrl}/orchestrator/runtimes/${id}/restore`, {
    method: 'POST',
    headers,
    body: '{"restart":false}',
  });
  if (answer.status !== 202)
    throw new Error(`the restore was answered ${answer.status}: ${await answer.text()}`);
}

async function statusWhere(
  fleet: Fleet,
  isWanted: (status: RuntimeStatus) => boolean,
): Promise<{ at: number; value: RuntimeStatus }> {
  let found: RuntimeStatus | undefined;
  const at = await moment(async () => {
    const answer = await fetch(`${fleet.hubUrl}/state/runtime_matrix`, {
      headers: { authorization: `Bearer ${fleet.adminToken}` },
    });
    found = v.parse(MatrixSchema, await answer.json()).items[fleet.node]?.runtimes?.[0]?.status;
    return found !== undefined && isWanted(found);
  });
  if (found === undefined) throw new Error('unreachable: the wait has checked it');
  return { at, value: found };
}

/** When a condition was first seen to hold, by `performance.now()`. @throws when it never is. */
async function moment(holds: () => boolean | Promise<boolean>): Promise<number> {
  const deadline = performance.now() + GIVE_UP_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not seen within ${GIVE_UP_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now();
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: it has ended and was reaped, which is what is waited for.
    return false;
  }
}
