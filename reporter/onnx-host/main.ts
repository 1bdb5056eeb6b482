#!/usr/bin/env node
// Owns the life of the ONNX host: its command line, bind, load, ready, stop. The same file is the model's thread.

import { createServer } from 'node:http';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import { serveModel } from './model-thread.ts';
import { Model } from './model.ts';
import { HostRoutes } from './routes.ts';

const EXIT_FAILED = 1;
const EXIT_WRONG_USAGE = 2;
const USAGE = 'arw-onnx-host --model FILE [--host 127.0.0.1] [--port 8100] [--name NAME] [--threads N]';

function say(line: string): void {
  process.stderr.write(`arw-onnx-host: ${line}\n`);
}

function fail(line: string, code = EXIT_FAILED): never {
  say(`error: ${line}`);
  process.exit(code);
}

function options(): { model: string; host: string; port: number; name: string; threads: number | undefined } {
  const { values } = parseArgs({
    options: {
      model: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8100' },
      name: { type: 'string' },
      threads: { type: 'string' },
    },
  });
  const { model, host, port, name, threads } = values;
  if (model === undefined) throw new Error('--model FILE is required');
  if (!/^\d{1,5}$/.test(port)) throw new Error(`--port ${port} is no port`);
  if (threads !== undefined && !/^[1-9]\d{0,2}$/.test(threads))
    throw new Error(`--threads ${threads} is no number`);
  return {
    model,
    host,
    port: Number(port),
    name: name ?? basename(model),
    threads: threads === undefined ? undefined : Number(threads),
  };
}

function serve(): void {
  let settings: ReturnType<typeof options>;
  try {
    settings = options();
  } catch (error) {
    fail(`its arguments are wrong: ${messageOf(error)} (usage: ${USAGE})`, EXIT_WRONG_USAGE);
  }
  const { model: file, host, port, name, threads } = settings;
  const model = new Model({
    program: new URL(import.meta.url),
    model: file,
    threads,
    onFailed: fail,
    onReady: () => say(`ready: ${name}`),
  });
  const routes = new HostRoutes(model, name);
  const server = createServer((request, response) => {
    routes.handle(request, response).catch((error: unknown) => {
      // A client that goes away while it sends its body; a fault of ours ends the host, which is then restarted.
      if (!request.destroyed || request.complete) throw error;
    });
  });
  server.on('error', (error) => fail(`it could not bind ${host} port ${port}: ${error.message}`));
  server.listen(port, host, () => say(`listening on http://${host}:${port}, loading ${file}`));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
}

if (isMainThread) serve();
else await serveModel();
