/** Owns the choice of the model file: the one that LLAMA_MODEL_PATH names, else a tiny one made in the cache. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeTinyGguf } from './tiny-gguf.ts';

export interface Model {
  /** Absolute path. */
  path: string;
  source: 'LLAMA_MODEL_PATH' | 'generated';
}

export interface FindModelOptions {
  env: NodeJS.ProcessEnv;
  cacheDir: string;
  log: (line: string) => void;
}

/** Any number would do; a fixed one makes every machine's tiny model the same. */
const TINY_SEED = 7;

/** @throws Error if LLAMA_MODEL_PATH is set and is no file. */
export async function findModel({ env, cacheDir, log }: FindModelOptions): Promise<Model> {
  const named = env['LLAMA_MODEL_PATH'];
  if (named !== undefined && named !== '') {
    const path = resolve(named);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) return { path, source: 'LLAMA_MODEL_PATH' };
    const obstacle = found ? 'is not a file' : 'cannot be found';
    throw new Error(
      `LLAMA_MODEL_PATH names ${path}, which ${obstacle}; correct it, or unset it for a tiny model`,
    );
  }
  // Written anew each time, in milliseconds: a file from an older version of the generator is never used. A
  // server that has the old file open keeps it, because the new one takes its name and not its place.
  const path = join(resolve(cacheDir), 'models', 'tiny.gguf');
  await writeTinyGguf(path, { seed: TINY_SEED });
  log(`no LLAMA_MODEL_PATH: made a tiny model with random weights, ${path}`);
  return { path, source: 'generated' };
}
