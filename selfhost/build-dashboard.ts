// Owns the build of the dashboard and of the pages of the API: static files that Cloudflare serves as assets, and a hub at home out of its worker. Only
// a source checkout needs it: the published package ships what it makes.

import { createHash } from 'node:crypto';
import { glob, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isSystemError } from './hub-error.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = [
  'dashboard/**/*.*',
  'contract/*.ts',
  'worker/openapi/*.*',
  'worker/domain/*.ts',
  'scripts/api-description.ts',
  'selfhost/build-dashboard.ts',
  'package-lock.json',
];

/** What wrangler.toml names, with the hash of what it was made of beside it. */
const PLACE = join(ROOT, 'dist', 'dashboard');
const HASH_FILE = join(ROOT, 'dist', 'dashboard.sha256');

/** Builds where something has changed since the last build. @returns the folder. */
export async function freshDashboard(): Promise<string> {
  const hash = await hashOfSources();
  if ((await builtHash()) === hash) return PLACE;
  const beside = `${PLACE}.${process.pid}`;
  await buildDashboard(beside);
  await describeApi(beside);
  // Somebody else may have built the same meanwhile, and serve it already.
  if ((await builtHash()) === hash) {
    await rm(beside, { recursive: true });
    return PLACE;
  }
  await rm(HASH_FILE, { force: true });
  await putInPlace(beside);
  await writeFile(HASH_FILE, hash);
  return PLACE;
}

async function putInPlace(folder: string): Promise<void> {
  const earlier = `${folder}.earlier`;
  for (;;) {
    try {
      // Whole and at once: what is removed file by file is missed by whoever reads it.
      await rename(PLACE, earlier);
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
    }
    try {
      return await rename(folder, PLACE);
    } catch (error) {
      // Another build of the same moment put its own there since.
      if (!isSystemError(error, 'ENOTEMPTY') && !isSystemError(error, 'EEXIST')) throw error;
    } finally {
      await rm(earlier, { recursive: true, force: true });
    }
  }
}

async function buildDashboard(outDir: string): Promise<void> {
  await mkdir(outDir, { recursive: true });
  // Here, since it takes longer to load than to see that nothing is to be built.
  const { build } = await import('vite');
  await build({
    root: join(ROOT, 'dashboard'),
    configFile: false,
    // The hub may be behind a proxy, under a path of its own.
    base: './',
    logLevel: 'warn',
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      // As of then `light-dark()` is known: both themes are one list of colours.
      cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
      // What is inlined as data: would need a wider content security policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  });
}

/** Not a literal: what describes the hub's inside is no part of the published program. */
async function describeApi(folder: string): Promise<void> {
  const describer = new URL('../scripts/api-description.ts', import.meta.url).href;
  const { writeApiDescription }: typeof import('../scripts/api-description.ts') = await import(describer);
  await writeApiDescription(folder);
}

async function builtHash(): Promise<string | undefined> {
  try {
    return await readFile(HASH_FILE, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function hashOfSources(): Promise<string> {
  const hash = createHash('sha256');
  const files: string[] = [];
  for await (const file of glob(SOURCES, { cwd: ROOT })) files.push(file);
  for (const file of files.toSorted()) hash.update(file).update(await readFile(join(ROOT, file)));
  return hash.digest('hex');
}
