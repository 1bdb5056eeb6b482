#!/usr/bin/env node
// Owns `arw-hub`: the hub on one's own machine. It puts the worker under workerd and stays until told to end.

import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { checkFree } from './address.ts';
import packageJson from '../package.json' with { type: 'json' };
import { adminTokenFor } from './admin-token.ts';
import { defaultDataDir, openDataDir } from './data-dir.ts';
import { EXIT, HubError } from './hub-error.ts';
import { endOrphan } from './orphan.ts';
import { writeWorkerFiles } from './worker-files.ts';
import { startWorkerd } from './workerd.ts';

const options = new Command('arw-hub')
  .description('Serves the hub on this machine; its data survives in one folder.')
  .version(packageJson.version)
  .option('--port <port>', 'port to listen on; 0 picks a free one', portNumber, 8787)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--data <dir>', 'folder of the data', defaultDataDir(process.env))
  .addHelpText(
    'after',
    `
Environment: ARW_ADMIN_TOKEN, ARW_RUNTIME_MATRIX_TTL_SEC, ARW_RETENTION_HOURS, FLEET_SHARDS.
Exit codes: 0 ended when told to, 2 settings refused, 3 port in use, 4 data folder in use, 1 anything else.`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT.refused))
  .parse()
  .opts<{ port: number; host: string; data: string }>();

// What is written here holds secrets: for the owner alone.
process.umask(0o077);

const told = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => told.abort());

try {
  process.exitCode = await serve();
} catch (error) {
  if (!told.signal.aborted) {
    if (!(error instanceof HubError)) throw error;
    process.stderr.write(`arw-hub: ${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}

async function serve(): Promise<number> {
  const { env } = process;
  const { port, host } = options;
  const dataDir = await openDataDir(options.data);
  try {
    const { token, isOurs } = await adminTokenFor(host, dataDir.path, env);
    await endOrphan(dataDir.path);
    if (port !== 0) await checkFree({ host, port });
    const config = await writeWorkerFiles(dataDir.path, token, env);
    const workerd = await startWorkerd(config, dataDir.path, { host, port }, told.signal);
    process.stdout.write(`data ${dataDir.path}\n`);
    if (isOurs) process.stdout.write(`ARW_ADMIN_TOKEN=${token}\n`);
    // A token that was given is told to nobody: then the page asks for it.
    process.stdout.write(`dashboard ${workerd.url}/${isOurs ? `#token=${encodeURIComponent(token)}` : ''}\n`);
    process.stdout.write(`hub ready ${workerd.url}\n`);
    const death = await Promise.race([workerd.died, aborted(told.signal)]);
    if (death === undefined) {
      await workerd.stop();
      return 0;
    }
    process.stderr.write(`arw-hub: ${death}\n`);
    return 1;
  } finally {
    dataDir.release();
  }
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (!signal.aborted) await once(signal, 'abort');
  return undefined;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (text.trim() === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError('It must be 0-65535.');
  }
  return port;
}
