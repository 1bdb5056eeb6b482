// Owns a run from its first program to its last step: which fleet it needs, and who is told of what it starts.

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findEngine, stubEngine, type Engine } from '../engine/find-engine.ts';
import { findModel } from '../engine/find-model.ts';
import { InstallError } from '../engine/install-error.ts';
import { projectCacheDir } from '../engine/project-cache.ts';
import { startFleet, type Fleet } from '../fleet/fleet.ts';
import { freePort } from '../fleet/free-port.ts';
import type { Keeper } from './keeper-process.ts';
import { RUN_VARIABLE } from './marked-processes.ts';
import type { RunLogs } from './run-logs.ts';
import { runtimeSuite } from './runtime-suite.ts';
import type { SmokeSettings } from './settings.ts';
import { SmokeHub } from './smoke-hub.ts';
import type { Step } from './steps.ts';
import { visionManifest } from './vision-manifest.ts';
import { visionSuite } from './vision-suite.ts';

export type Run = {
  settings: SmokeSettings;
  /** Its id, which is also in the environment of all that it starts. */
  run: string;
  folder: string;
  keeper: Keeper;
  logs: RunLogs;
  step: Step;
  ending: AbortSignal;
};

export async function runSuite(run: Run): Promise<void> {
  const { settings, step, ending } = run;
  const env = await environment(run);
  const follow = (fleet: Fleet): SmokeHub => new SmokeHub(fleet.hubUrl, fleet.adminToken, ending);
  if (settings.suite === 'vision') {
    const port = await freePort();
    const fleet = await start(run, env, { manifest: visionManifest(port) });
    const steps = visionSuite(step, follow(fleet), fleet.node, `http://127.0.0.1:${port}`);
    return unlessEnded(fleet, steps);
  }
  const { engine, modelPath } = await step('an engine is there', () => chooseEngine(run));
  const fleet = await start(run, env, { engine, modelPath });
  return unlessEnded(fleet, runtimeSuite(step, follow(fleet), fleet.node, engine));
}

type Runs = { engine: Engine; modelPath: string } | { manifest: string };

function start({ folder, keeper, logs, step }: Run, env: NodeJS.ProcessEnv, runs: Runs): Promise<Fleet> {
  return step('hub and reporter are up', () =>
    startFleet({
      directory: folder,
      host: '127.0.0.1',
      port: 0,
      env,
      onStarted: ({ pid }) => keeper.tell({ pid }),
      onLine: (program, line) => logs.note(program, line),
      ...runs,
    }),
  );
}

/** A hub or a reporter that ends by itself fails the run at once. */
async function unlessEnded(fleet: Fleet, steps: Promise<void>): Promise<void> {
  const ended = await Promise.race([steps, fleet.ended]);
  if (ended !== undefined) throw ended;
}

/** Of a fleet that has nothing to do with the one that this terminal is set up for: no `ARW_*`, a token of its own. */
async function environment({ run }: Run): Promise<NodeJS.ProcessEnv> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('ARW_') && name !== 'FLEET_SHARDS',
  );
  return {
    ...Object.fromEntries(inherited),
    [RUN_VARIABLE]: run,
    ARW_ADMIN_TOKEN: randomBytes(24).toString('hex'),
    ARW_GATEWAY_PORT: String(await freePort()),
    LLAMA_SERVER_PORT: process.env['LLAMA_SERVER_PORT'] || String(await freePort()),
  };
}

async function chooseEngine({ settings, folder }: Run): Promise<{ engine: Engine; modelPath: string }> {
  if (settings.engine === 'stub') {
    // A reporter launches nothing whose model is missing; the stub does not look into it.
    const modelPath = join(folder, 'no-weights.gguf');
    await writeFile(modelPath, '');
    return { engine: { ...stubEngine(), reason: 'MODE is not "real"' }, modelPath };
  }
  const { env } = process;
  const cacheDir = projectCacheDir();
  const engine = await findEngine({ env, cacheDir, log: () => undefined, install: refuse });
  // Asked for a real one, a stub that passes would be a lie.
  if (engine.kind === 'stub') throw new Error(engine.reason);
  const model = await findModel({ env, cacheDir, log: () => undefined });
  return { engine, modelPath: model.path };
}

/** A smoke test fetches nothing. */
function refuse(): never {
  throw new InstallError('no llama-server on the PATH or in the cache', {
    remedy: 'set LLAMA_SERVER_BIN, or run `npm run llama:install` once',
  });
}
