// Owns what every end-to-end test needs before it starts: a real llama-server, the tiny model, a built worker.

import type { TestProject } from 'vitest/node';
import { findEngine } from '../../scripts/engine/find-engine.ts';
import { findModel } from '../../scripts/engine/find-model.ts';
import { projectCacheDir } from '../../scripts/engine/project-cache.ts';

declare module 'vitest' {
  interface ProvidedContext {
    llamaServer: string;
    tinyModel: string;
  }
}

/** Installs the engine where none is. A machine on which none can be had fails here, and so fails every test. */
export default async function setup(project: TestProject): Promise<void> {
  const options = { env: process.env, cacheDir: projectCacheDir(), log: tell };
  const engine = await findEngine(options);
  if (engine.kind === 'stub') throw new Error(`no llama-server for the end-to-end tests: ${engine.reason}`);
  const model = await findModel({ ...options, env: {} });
  project.provide('llamaServer', engine.binary);
  project.provide('tinyModel', model.path);
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
