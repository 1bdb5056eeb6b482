// Who listens on a port, as the kernel tells it: real sockets of real processes.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { foreignListener, listenerOn } from '../../system/listeners.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';

const HERE = '127.0.0.1';

async function listenHere(port: number): Promise<Server> {
  const server = createServer().listen(port, HERE);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return server;
}

/** A process that lives until the test is over, in a group of its own. */
async function somebody(script: string): Promise<number> {
  const child = spawn(process.execPath, ['--eval', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid = 0 } = child;
  onTestFinished(() => {
    process.kill(-pid, 'SIGKILL');
  });
  await once(child.stdout, 'data');
  return pid;
}

test('nobody', async () => {
  const port = await freePort();
  expect(await listenerOn(HERE, port)).toBeUndefined();
  expect(await foreignListener(HERE, port, process.pid)).toBeUndefined();
});

test('a process is named, and is no stranger to itself', async () => {
  const port = await freePort();
  await listenHere(port);
  expect(await listenerOn(HERE, port)).toEqual({ pid: process.pid, program: 'node' });
  expect(await foreignListener(HERE, port, process.pid)).toBeUndefined();
});

test('to a child that does not listen, whoever does is a stranger', async () => {
  const port = await freePort();
  await listenHere(port);
  const child = await somebody('console.log("up"); setInterval(() => {}, 1e6)');
  expect(await foreignListener(HERE, port, child)).toEqual({ pid: process.pid, program: 'node' });
});

test('what a child started is no stranger to it, in its group or out of it', async () => {
  const port = await freePort();
  for (const detached of [false, true]) {
    const listener = `require("net").createServer().listen(${port}, "${HERE}", () => console.log("up"))`;
    const child = await somebody(
      `const child = require("child_process").spawn(process.execPath, ["--eval", ${JSON.stringify(listener)}],
        { detached: ${detached}, stdio: ["ignore", "inherit", "inherit"] });
      setInterval(() => {}, 1e6); process.on("exit", () => child.kill("SIGKILL"))`,
    );
    const holder = await listenerOn(HERE, port);
    const stranger = await foreignListener(HERE, port, child);
    // One in a group of its own would outlive the test.
    if (holder !== undefined) process.kill(holder.pid, 'SIGKILL');
    expect(holder?.program).toBe('node');
    expect(holder?.pid).not.toBe(child);
    expect(stranger).toBeUndefined();
    await eventually('it is gone', async () => (await listenerOn(HERE, port)) === undefined);
  }
});
