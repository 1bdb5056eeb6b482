// Owns the bundle of the worker that a hub at home runs, and the settings that belong to it, taken from wrangler.toml.
// Only a source checkout needs it: the published package ships what it makes.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { parse } from 'smol-toml';

/** Beside the bundle: what of wrangler.toml is the worker's nature, and not a setting of one deployment. */
export const WORKER_SETTINGS_FILE = 'worker.json';

const SETTINGS = ['compatibility_date', 'compatibility_flags', 'durable_objects', 'migrations'];

/** Bundles the worker into `outfile`, with its settings beside it; `entry` is a file below the project's folder. */
export async function buildWorker(outfile: string, entry = 'worker/index.ts'): Promise<void> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  await mkdir(dirname(outfile), { recursive: true });
  await build({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    target: 'es2024',
    tsconfig: join(root, 'worker/tsconfig.json'),
    logLevel: 'warning',
  });
  const deployment = parse(await readFile(join(root, 'wrangler.toml'), 'utf8'));
  const settings = Object.fromEntries(
    SETTINGS.flatMap((key) => (key in deployment ? [[key, deployment[key]]] : [])),
  );
  await writeFile(join(dirname(outfile), WORKER_SETTINGS_FILE), JSON.stringify(settings, null, 2));
}
