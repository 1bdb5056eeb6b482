// Owns what is shipped: plain JavaScript for Node under dist/, for each program its launcher and its code, the worker that
// a hub runs, and the dashboard.

import { rm, writeFile } from 'node:fs/promises';
import { build, type BuildOptions } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { freshDashboard } from '../selfhost/build-dashboard.ts';
import { buildWorker } from '../selfhost/build-worker.ts';
import { launcherText } from './launcher.ts';

const PROGRAMS = {
  'arw-reporter': 'reporter/main.ts',
  // Started by the reporter for a runtime of adapter "onnx".
  'arw-onnx-host': 'reporter/onnx-host/main.ts',
  'arw-cli': 'cli/main.ts',
  'arw-hub': 'selfhost/main.ts',
};

/** Runs where no package.json says what a `.js` file is, so its name does. */
const SANDBOX_PROGRAM = { 'arw-sandbox': 'reporter/sandbox/program/main.ts' };

await rm('dist', { recursive: true, force: true });
const options: BuildOptions = {
  outdir: 'dist',
  bundle: true,
  // Dependencies stay packages: npm installs them with their licences, and their fixes without a release of ours.
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node22',
  logLevel: 'warning',
};
await build({
  ...options,
  entryPoints: Object.fromEntries(Object.entries(PROGRAMS).map(([name, file]) => [`${name}.main`, file])),
});
await build({ ...options, entryPoints: SANDBOX_PROGRAM, outExtension: { '.js': '.mjs' } });
const needed = packageJson.engines.node.replace('>=', '');
for (const name of Object.keys(PROGRAMS)) {
  await writeFile(`dist/${name}.js`, launcherText(name, `${name}.main.js`, needed), { mode: 0o755 });
}
await buildWorker('dist/worker/index.js');
await freshDashboard();
