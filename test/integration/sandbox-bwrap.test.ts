// A server in a real bubblewrap sandbox: what it can see, write and reach, how it is reached, and how it ends.

import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { sandboxesOf } from '../../reporter/sandbox/sandboxes.ts';
import { Child } from '../../reporter/supervisor/child.ts';
import type { Exit } from '../../reporter/supervisor/state.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { processesWith } from '../support/processes.ts';
import { SupervisedStub } from '../support/supervised-stub.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CONFINED = fileURLToPath(new URL('../fixtures/programs/confined.ts', import.meta.url));
const ENGINE_SOURCES = fileURLToPath(new URL('../../scripts/engine', import.meta.url));

const MODEL = 'models/tiny.gguf';
const HIDDEN = 'private/secret';
const LOG = 'log';

const TriedSchema = v.looseObject({
  root: v.array(v.string()),
  devices: v.array(v.string()),
  processes: v.number(),
  env: v.array(v.string()),
});

class ConfinedServer {
  readonly port: number;
  readonly child: Child;
  readonly folder: string;

  private constructor(port: number, child: Child, folder: string) {
    this.port = port;
    this.child = child;
    this.folder = folder;
  }

  static async start(env: Record<string, string> = {}): Promise<ConfinedServer> {
    const folder = await temporaryFolder();
    const port = await freePort();
    await Promise.all(['models', 'kept', 'private'].map((name) => mkdir(join(folder, name))));
    await Promise.all([MODEL, HIDDEN].map((name) => writeFile(join(folder, name), 'as it was')));
    const kept = join(folder, 'kept');
    const entry: RuntimeEntry = {
      id: 'a:b',
      adapter: 'process',
      sandbox: { kind: 'bwrap', write: [kept] },
      process: {},
    };
    const args = [CONFINED, '--port', String(port), '--model', join(folder, MODEL), `--writable=${kept}`];
    const spec = { command: process.execPath, args, env, workdir: undefined };
    const sandbox = sandboxesOf(entry, { node: 'n', stateDir: folder, stopGraceMs: 1000 })(undefined);
    const endpoint = { origin: `http://127.0.0.1:${port}`, headers: {} };
    const faults = await sandbox.faults(spec, endpoint);
    if (faults.length > 0) throw new Error(faults.join('; '));
    const log = await open(join(folder, LOG), 'a');
    const child = await Child.spawn(sandbox.confine(spec, endpoint), log.fd);
    await log.close();
    const server = new ConfinedServer(port, child, folder);
    onTestFinished(async () => {
      child.signal('SIGKILL');
      await child.exited;
      await server.nothingLeft();
    });
    await eventually('the server answers', () => server.answers());
    return server;
  }

  async answers(): Promise<boolean> {
    return fetch(`${this.url}/health`).then(
      ({ ok }) => ok,
      // It does not listen yet.
      () => false,
    );
  }

  async tried(reach: readonly string[] = []): Promise<v.InferOutput<typeof TriedSchema>> {
    const asked = new URLSearchParams({ hidden: this.path(HIDDEN) });
    for (const address of reach) asked.append('reach', address);
    const answer = await fetch(`${this.url}/tried?${asked.toString()}`);
    return v.parse(TriedSchema, await answer.json());
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  output(): Promise<string> {
    return readFile(this.path(LOG), 'utf8');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Also none that bubblewrap or the sandbox program left: their command lines hold the model too. */
  nothingLeft(): Promise<unknown> {
    const model = this.path(MODEL);
    return eventually('no process of the sandbox', async () => (await processesWith(model)).length === 0);
  }
}

/** A server on all addresses of this host, and those addresses. */
async function hostService(): Promise<string[]> {
  const service = createServer((socket) => socket.destroy());
  const port = await freePort();
  await new Promise<void>((resolve) => {
    service.listen(port, '0.0.0.0', resolve);
  });
  onTestFinished(() => void service.close());
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.filter(({ family }) => family === 'IPv4').map(({ address }) => `${address}:${port}`);
}

describe('a confined server', () => {
  test('reads its model, and writes to nothing but its own scratch space and what the manifest lets it', async () => {
    const server = await ConfinedServer.start();
    expect(await server.tried()).toMatchObject({
      readModel: 'done',
      writeModel: 'EROFS',
      writeModelFolder: 'EROFS',
      writeRoot: 'EROFS',
      writeUsr: 'EROFS',
      writeTmp: 'done',
      writable: 'done',
    });
    expect(await readFile(server.path(MODEL), 'utf8')).toBe('as it was');
    expect(await readFile(server.path('kept/new'), 'utf8')).toBe('x');
  });

  test('sees the system and what its arguments name, and nothing else of the host', async () => {
    const server = await ConfinedServer.start({ API_KEY: 'of the manifest' });
    const { root, devices, processes, env, ...tried } = await server.tried();
    expect(tried).toMatchObject({ readHidden: 'ENOENT', readShadow: 'ENOENT' });
    expect(root).not.toContain('home');
    expect(root).not.toContain('root');
    // What bubblewrap makes; no disk, no card, no terminal of the host.
    const harmless = [
      'core',
      'fd',
      'full',
      'null',
      'ptmx',
      'pts',
      'random',
      'shm',
      'stderr',
      'stdin',
      'stdout',
    ];
    expect(devices).toEqual([...harmless, 'tty', 'urandom', 'zero']);
    // Bubblewrap's own first process, our end of the relay, and the server.
    expect(processes).toBe(3);
    expect(env).toContain('API_KEY');
    expect(env).not.toContain('VITEST');
  });

  test('is reached on its port of this host, and reaches nothing: no other port, no other address', async () => {
    const server = await ConfinedServer.start();
    const services = await hostService();
    expect(services.some((address) => address.startsWith('127.0.0.1:'))).toBe(true);
    const tried = await server.tried([...services, `127.0.0.1:${server.port}`]);
    expect(tried['interfaces']).toEqual(['lo']);
    const refused = services.map((address) => (address.startsWith('127.') ? 'ECONNREFUSED' : 'ENETUNREACH'));
    expect(tried['reached']).toEqual([...refused, 'done']);
  });
});

async function exitOf(server: ConfinedServer): Promise<Exit> {
  const exit = await server.child.exited;
  await server.nothingLeft();
  return exit;
}

describe('its connections', () => {
  test('stream as they come, and a client that goes is gone for the server too', async () => {
    const server = await ConfinedServer.start();
    const leaving = new AbortController();
    const { body } = await fetch(`${server.url}/stream`, { signal: leaving.signal });
    const first = await body?.getReader().read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe('first');
    leaving.abort();
    await eventually('the server is told', async () => (await server.output()).includes('client gone'));
  });

  test('may be many at once, of which some are broken off', async () => {
    const server = await ConfinedServer.start();
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        if (index % 4 !== 0) return (await fetch(`${server.url}/health`)).status;
        const leaving = new AbortController();
        await fetch(`${server.url}/stream`, { signal: leaving.signal });
        leaving.abort();
        return 200;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await server.answers()).toBe(true);
  });
});

describe('its end', () => {
  test('by SIGTERM to the child is an orderly one, and the server hears it once', async () => {
    const server = await ConfinedServer.start();
    server.child.signal('SIGTERM');
    expect(await exitOf(server)).toMatchObject({ code: 0, signal: null });
    expect((await server.output()).match(/terminated/g)).toHaveLength(1);
  });

  test('by SIGKILL to the child takes all of the sandbox along', async () => {
    const server = await ConfinedServer.start();
    server.child.signal('SIGKILL');
    expect(await exitOf(server)).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  test('of its own making is told with its code', async () => {
    const server = await ConfinedServer.start();
    await expect(fetch(`${server.url}/exit?code=7`)).rejects.toThrow('fetch failed');
    expect(await exitOf(server)).toMatchObject({ code: 7, signal: null });
  });

  test('by a signal to the server inside is told as one', async () => {
    const server = await ConfinedServer.start();
    const lines = await processesWith(server.path(MODEL));
    const inside = lines.find((line) => /^\d+ \S+ \S+confined\.ts /.test(line));
    process.kill(Number(inside?.split(' ')[0]), 'SIGKILL');
    expect(await exitOf(server)).toMatchObject({ code: 137, signal: null });
  });
});

describe('a supervised runtime', () => {
  const sandbox: RuntimeEntry['sandbox'] = { kind: 'bwrap', read: [ENGINE_SOURCES] };

  test('is ready in its sandbox, restarts after a kill, and leaves nothing when it is shut down', async () => {
    const stub = await SupervisedStub.ready({ sandbox });
    expect(stub.loop.record().descriptor.sandbox).toBe('bwrap');
    const first = stub.pid;
    process.kill(first, 'SIGKILL');
    await stub.statusWhere(({ state, pid }) => state === 'ready' && pid !== first, 'ready again');
    expect(stub.status).toMatchObject({ restarts_total: 1, last_exit: { signal: 'SIGKILL' } });

    await stub.shutdown();
    await eventually('nothing left', async () => (await processesWith(stub.modelPath)).length === 0);
  });

  test('is moved into a sandbox and out of it with one restart each', async () => {
    const stub = await SupervisedStub.ready({ sandbox: { read: [ENGINE_SOURCES] } });
    expect(stub.loop.record().descriptor.sandbox).toBe('none');
    expect(await stub.loop.sandboxFaults('bwrap')).toEqual([]);

    expect(await stub.restore(false, { sandbox: 'bwrap' })).toMatchObject({ ok: true });
    expect(stub.loop.record().descriptor.sandbox).toBe('bwrap');
    expect(stub.status).toMatchObject({ state: 'ready', restart_budget: { used: 1 } });

    expect(await stub.restore(false, { sandbox: 'none' })).toMatchObject({ ok: true });
    expect(stub.loop.record().descriptor.sandbox).toBe('none');
    expect(stub.status).toMatchObject({ state: 'ready', restart_budget: { used: 2 } });
  });
});
