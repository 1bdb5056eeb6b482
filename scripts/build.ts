// Owns what is shipped: plain JavaScript for Node under dist/, one file a program, and the worker that a hub runs.

import { chmod, rm } from 'node:fs/promises';
import { build } from 'esbuild';
import { buildWorker } from '../selfhost/build-worker.ts';

const PROGRAMS = {
  'arw-reporter': 'reporter/main.ts',
  // Started by the reporter for a runtime of adapter "onnx".
  'arw-onnx-host': 'reporter/onnx-host/main.ts',
  'arw-cli': 'cli/main.ts',
  'arw-hub': 'selfhost/main.ts',
};

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: PROGRAMS,
  outdir: 'dist',
  bundle: true,
  // Dependencies stay packages: npm installs them with their licences, and their fixes without a release of ours.
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node22',
  logLevel: 'warning',
});
for (const name of Object.keys(PROGRAMS)) await chmod(`dist/${name}.js`, 0o755);
await buildWorker('dist/worker/index.js');
