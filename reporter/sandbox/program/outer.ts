// Owns the end on the host: the port where the server is reached, the sandbox around it, and the life of both. It is the
// process that the reporter supervises; when it is gone, so is the sandbox.

import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bwrapArgs } from './bwrap-args.ts';
import { sandboxEnvironment } from './environment.ts';
import { THIS_HOST } from './host-files.ts';
import { joinSockets } from './join-sockets.ts';
import { END, FETCH, SOCKET_NAME, type Plan } from './plan.ts';
import { SYSTEM_FOLDERS, SYSTEM_LINKS, visiblePaths } from './visible-paths.ts';

const EXIT_FAILED = 1;

export function runOuter(plan: Plan, command: string, args: readonly string[]): void {
  const cwd = process.cwd();
  const { host, port, socketDir } = plan;
  const waiting = new Set<Socket>();
  let say: ((word: string) => void) | undefined;

  const front = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    waiting.add(client);
    client.on('error', () => client.destroy());
    client.once('close', () => waiting.delete(client));
    say?.(FETCH);
  });
  // The inner end comes here for each connection. It is the one to call: a socket that is made inside could be replaced
  // by a link, which this end would follow to any socket of the host.
  const back = createServer({ allowHalfOpen: true }, (inside) => {
    const [client] = waiting;
    if (client === undefined) {
      inside.destroy();
      return;
    }
    waiting.delete(client);
    joinSockets(client, inside);
  });
  for (const end of [front, back]) end.once('error', (error) => fail(`couldn't bind: ${error.message}`));
  // The port is taken first: whoever holds it may be a sandbox that still uses the folder.
  front.listen({ host, port }, () => {
    try {
      rmSync(socketDir, { recursive: true, force: true });
      mkdirSync(socketDir, { recursive: true, mode: 0o700 });
      process.chdir(socketDir);
    } catch (error) {
      fail(`the sandbox's folder cannot be made: ${error instanceof Error ? error.message : String(error)}`);
    }
    back.listen(SOCKET_NAME, () => {
      say = startSandbox(plan, cwd, command, args);
      for (let count = waiting.size; count > 0; count -= 1) say(FETCH);
    });
  });
}

/** Starts the sandbox, whose end is ours; returns how to speak to the end inside. */
function startSandbox(
  plan: Plan,
  cwd: string,
  command: string,
  args: readonly string[],
): (word: string) => void {
  const env = sandboxEnvironment(process.env, plan.env);
  const system = [...SYSTEM_FOLDERS, ...SYSTEM_LINKS];
  const visible = [
    ...visiblePaths({ command, args, env, cwd }, THIS_HOST, system),
    ...visiblePaths({ command: process.execPath, args: [], env: {}, cwd }, THIS_HOST, system),
    dirname(fileURLToPath(import.meta.url)),
  ];
  const ourselves = [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
  const inner = [...ourselves, 'inner', plan.host, String(plan.port), command, ...args];
  const words = [...bwrapArgs(plan, { visible, cwd }, THIS_HOST), '--', ...inner];
  // In a session of its own: a signal to our group is for us to pass on, once and to the server alone.
  const sandbox = spawn('bwrap', words, { env, detached: true, stdio: ['pipe', 'inherit', 'inherit'] });
  sandbox.once('error', (error) => fail(`bwrap cannot be started: ${error.message}`));
  sandbox.once('exit', (code, signal) => {
    rmSync(plan.socketDir, { recursive: true, force: true });
    process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });
  // Nobody listens there once it has ended; its exit follows.
  sandbox.stdin.on('error', () => undefined);
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(name, () => sandbox.stdin.write(END));
  }
  return (word) => sandbox.stdin.write(word);
}

function fail(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(EXIT_FAILED);
}
