// Owns `npm start`: finds an engine and a model, runs a fleet of one, and says how to look at it.

import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { findEngine, type Engine } from './engine/find-engine.ts';
import { findModel } from './engine/find-model.ts';
import { projectCacheDir } from './engine/project-cache.ts';
import { startFleet, type Fleet } from './fleet/fleet.ts';
import { ProgramEnded } from './fleet/program.ts';
import { untilReady } from './fleet/until-ready.ts';

const options = new Command('npm start --')
  .description('A hub, a reporter and a llama-server on this machine, until Ctrl-C.')
  .option('--port <port>', 'the port of the hub', portNumber, 8787)
  .option('--host <address>', 'the address of the hub', '127.0.0.1')
  .option(
    '--data <dir>',
    'where the fleet keeps its state',
    fileURLToPath(new URL('../.runtime-matrix', import.meta.url)),
  )
  .addHelpText(
    'after',
    `
Environment: LLAMA_SERVER_BIN, LLAMA_MODEL_PATH, LLAMA_SERVER_ARGS, LLAMA_SERVER_PORT, ARW_ADMIN_TOKEN,
ARW_RUNTIME_MATRIX_TTL_SEC, ARW_GATEWAY_PORT. Without LLAMA_SERVER_BIN a llama-server is looked for on the PATH and in the
project's cache, and installed there from Debian's packages where there is none.`,
  )
  .parse()
  .opts<{ port: number; host: string; data: string }>();

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());

try {
  process.exitCode = await main();
} catch (error) {
  if (!interrupted.signal.aborted) {
    process.stderr.write(`npm start: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof ProgramEnded ? error.exitCode : 1;
  }
}

async function main(): Promise<number> {
  const { env } = process;
  const cacheDir = projectCacheDir();
  const engine = await findEngine({ env, cacheDir, log: tell, signal: interrupted.signal });
  const model = await findModel({ env, cacheDir, log: tell });
  const fleet = await startFleet({
    directory: options.data,
    host: options.host,
    port: options.port,
    engine,
    modelPath: model.path,
    env,
  });
  const asked = new Promise<void>((resolve) => {
    if (interrupted.signal.aborted) resolve();
    interrupted.signal.addEventListener('abort', () => resolve());
  });
  if (!interrupted.signal.aborted) {
    process.stdout.write(banner(fleet, engine, model.path));
    void untilReady(fleet, engine, interrupted.signal).then((line) => process.stdout.write(line));
  }
  const ended = await Promise.race([fleet.ended, asked]);
  if (ended === undefined) tell('ending the engine, the reporter and the hub');
  else tell(`${ended.message} by itself; ending the rest`);
  interrupted.abort();
  await fleet.stop();
  return ended === undefined ? 0 : ended.exitCode || 1;
}

function banner({ hubUrl, gatewayUrl, adminToken }: Fleet, engine: Engine, modelPath: string): string {
  const matrix = `${hubUrl}/state/runtime_matrix`;
  const engineWords =
    engine.kind === 'stub'
      ? `stub (no real model: ${engine.reason})`
      : `llama.cpp, ${engine.binary} (${engine.source})`;
  return `
dashboard: ${hubUrl}/#token=${encodeURIComponent(adminToken)}

engine: ${engineWords}
model:  ${modelPath}
matrix: ${matrix}
chat:   ${gatewayUrl}/v1 (OpenAI-compatible, this host only)

ARW_ADMIN_TOKEN=${adminToken}
curl -H "Authorization: Bearer ${adminToken}" ${matrix}
curl ${gatewayUrl}/v1/chat/completions -H 'Content-Type: application/json' -d '{"messages":[{"role":"user","content":"Hello"}],"max_tokens":32}'

export ARW_HUB_URL=${hubUrl}
npm run -s cli -- runtime status

Ctrl-C ends all of it.
`;
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('It must be 0-65535.');
  return port;
}
