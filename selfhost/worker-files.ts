// Owns where the worker comes from, and that everything workerd needs to serve it lies in the data folder.

import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { homeModule } from './dashboard-files.ts';
import { EXIT, HubError, isSystemError } from './hub-error.ts';
import { STORAGE_FOLDER, workerdConfig } from './workerd-config.ts';

const CONFIG_FILE = 'hub.capnp';
/** What earlier releases wrote, with the token in it. */
const OLD_CONFIG_FILE = 'hub.jsonc';
const BUNDLE_FILE = 'main.js';
/** The entry: the bundle with the dashboard. */
const HOME_FILE = 'home.js';
const SETTINGS_FILE = 'worker.json';

/** What an operator may tune; see wrangler.toml. */
const PASSED_ON = [
  'ARW_RUNTIME_MATRIX_TTL_SEC',
  'ARW_RETENTION_HOURS',
  'ARW_HEARTBEAT_WRITE_SEC',
  'FLEET_SHARDS',
];

/** A crash loses what sockets carry, and rows cost nothing here: a node that lives must not look stale after it. */
const AT_HOME = { ARW_HEARTBEAT_WRITE_SEC: '10' };

/** Puts worker and configuration into the data folder, for the owner's eyes alone; returns the configuration's path. */
export async function writeWorkerFiles(
  dataDir: string,
  adminToken: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  await placeCode(dataDir);
  const tuned = PASSED_ON.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const text = workerdConfig({
    modules: [HOME_FILE, BUNDLE_FILE],
    settings: await readFile(join(dataDir, SETTINGS_FILE), 'utf8'),
    vars: { ...AT_HOME, ARW_ADMIN_TOKEN: adminToken, ...Object.fromEntries(tuned) },
  });
  await mkdir(join(dataDir, STORAGE_FOLDER), { recursive: true });
  await rm(join(dataDir, OLD_CONFIG_FILE), { force: true });
  const path = join(dataDir, CONFIG_FILE);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

/** A source checkout bundles what is there now; the published package holds worker and dashboard beside this program. */
async function placeCode(dataDir: string): Promise<void> {
  if (import.meta.url.endsWith('.ts')) {
    // Not literals: the published program must not drag the bundlers along.
    const { buildWorker }: typeof import('./build-worker.ts') = await import(beside('./build-worker.ts'));
    const dashboard: typeof import('./build-dashboard.ts') = await import(beside('./build-dashboard.ts'));
    const [folder] = await Promise.all([dashboard.freshDashboard(), buildWorker(join(dataDir, BUNDLE_FILE))]);
    return placeHome(dataDir, folder);
  }
  const shipped = fileURLToPath(new URL('./worker/', import.meta.url));
  try {
    await copyFile(join(shipped, 'index.js'), join(dataDir, BUNDLE_FILE));
    await copyFile(join(shipped, SETTINGS_FILE), join(dataDir, SETTINGS_FILE));
    await placeHome(dataDir, fileURLToPath(new URL('./dashboard', import.meta.url)));
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    throw new HubError(EXIT.failed, `the worker is missing in ${shipped}: install runtime-matrix again`, {
      cause: error,
    });
  }
}

async function placeHome(dataDir: string, dashboard: string): Promise<void> {
  await writeFile(join(dataDir, HOME_FILE), await homeModule(dashboard, BUNDLE_FILE));
}

function beside(module: string): string {
  return new URL(module, import.meta.url).href;
}
