// Another manifest under a running reporter: what did not change keeps its process, and a broken file changes nothing.

import { mkdir, readFile, rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { expect, test } from 'vitest';
import type { RuntimeStatus } from '../../contract/runtime-record.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { FakeHub } from '../support/fake-hub.ts';
import { Host } from '../support/reporter-host.ts';
import { STUB } from '../support/supervised-stub.ts';

type Entry = Record<string, unknown> & { id: string };

/** A host whose manifest is text that a test writes, and what its hub is told. */
class ReloadedHost {
  readonly host: Host;
  readonly hub: FakeHub;
  readonly running;
  readonly #ports = new Map<string, number>();

  private constructor(host: Host, hub: FakeHub) {
    this.host = host;
    this.hub = hub;
    this.running = host.start(hub.url);
  }

  static async with(...ids: string[]): Promise<ReloadedHost> {
    const host = await Host.prepare();
    await writeFile(join(host.folder, 'tiny.gguf'), 'a model that nobody reads');
    const hub = await FakeHub.start();
    const entries = await Promise.all(ids.map((id) => stubEntry(host, id)));
    await writeFile(host.manifest, textOf(entries));
    const reloaded = new ReloadedHost(host, hub);
    await reloaded.running.program.ready;
    for (const id of ids) await reloaded.statusWhere(id, ({ state }) => state === 'ready');
    return reloaded;
  }

  async entry(id: string, more: Record<string, unknown> = {}, ...args: string[]): Promise<Entry> {
    const port = this.#ports.get(id) ?? (await freePort());
    this.#ports.set(id, port);
    return stubEntry(this.host, id, more, port, ...args);
  }

  /** The entries as they stand in the file. */
  async text(): Promise<string> {
    return readFile(this.host.manifest, 'utf8');
  }

  status(id: string): RuntimeStatus | undefined {
    return this.hub.snapshots.at(-1)?.snapshot.runtimes.find(({ status }) => status.id === id)?.status;
  }

  async statusWhere(id: string, isWanted: (status: RuntimeStatus) => boolean): Promise<RuntimeStatus> {
    return eventually(`${id} is as wanted`, () => {
      const status = this.status(id);
      return status !== undefined && isWanted(status) ? status : undefined;
    });
  }

  hup(): void {
    process.kill(this.running.program.pid, 'SIGHUP');
  }
}

const textOf = (entries: readonly Entry[]): string => stringify({ version: 1, runtimes: entries });

async function stubEntry(
  host: Host,
  id: string,
  more: Record<string, unknown> = {},
  port?: number,
  ...args: string[]
): Promise<Entry> {
  const at = String(port ?? (await freePort()));
  return {
    id,
    adapter: 'llama.cpp',
    process: {
      command: process.execPath,
      args: [STUB, '-m', join(host.folder, 'tiny.gguf'), '--port', at, ...args],
      stop_timeout_seconds: 1,
    },
    ...more,
  };
}

test('one added, one removed, one kept: the kept one has its process and its counters', async () => {
  const fleet = await ReloadedHost.with('kept', 'gone');
  const before = await fleet.statusWhere('kept', ({ state }) => state === 'ready');
  const [kept] = (await fleet.text()).split('[[runtimes]]').slice(1);
  const added = textOf([await fleet.entry('new')]).split('[[runtimes]]')[1] ?? '';
  await writeFile(fleet.host.manifest, `version = 1\n[[runtimes]]${added}\n[[runtimes]]${kept}`);

  await fleet.statusWhere('new', ({ state }) => state === 'ready');
  await eventually('the removed one is gone', () => fleet.status('gone') === undefined);
  expect(fleet.status('kept')).toMatchObject({
    state: 'ready',
    pid: before.pid,
    started_at: before.started_at,
    restarts_total: 0,
  });
  const order = fleet.hub.snapshots.at(-1)?.snapshot.runtimes.map(({ status }) => status.id);
  expect(order).toEqual(['new', 'kept']);
  await eventually('its process is gone', async () => (await fleet.host.children()).length === 2);
  await fleet.running.says('new added, gone removed; 1 unchanged');
});

test('other arguments restart it without spending its budget, another name does not restart it', async () => {
  const fleet = await ReloadedHost.with('llama');
  const before = await fleet.statusWhere('llama', ({ state }) => state === 'ready');
  const named = (await fleet.text()).replace(
    'id = "llama"',
    'id = "llama"\nname = "Llama"\nrestart = { max = 7 }',
  );
  await writeFile(fleet.host.manifest, named);
  const renamed = await fleet.statusWhere(
    'llama',
    ({ restart_budget }) => restart_budget?.max_restarts === 7,
  );
  expect(renamed).toMatchObject({ state: 'ready', pid: before.pid });
  expect(fleet.hub.snapshots.at(-1)?.snapshot.runtimes[0]?.descriptor.name).toBe('Llama');

  await writeFile(fleet.host.manifest, named.replace('"-m"', '"--slots", "-m"'));
  const restarted = await fleet.statusWhere(
    'llama',
    ({ state, pid }) => state === 'ready' && pid !== before.pid,
  );
  expect(restarted).toMatchObject({ restarts_total: 0, restart_budget: { used: 0, remaining: 7 } });
  expect(await fleet.host.children()).toHaveLength(1);
});

test('an invalid file changes nothing and is told until a valid one comes', async () => {
  const fleet = await ReloadedHost.with('llama');
  const before = await fleet.statusWhere('llama', ({ state }) => state === 'ready');
  const valid = await fleet.text();
  await writeFile(fleet.host.manifest, valid.replace('adapter', 'adaptor'));

  const line =
    'Manifest not applied: runtimes[0] (llama).adaptor: is not a known key; check its spelling against ' +
    'the manifest reference; runtimes[0] (llama).adapter: is required; the earlier one is in force';
  const told = await eventually('the status tells it', () => {
    const status = fleet.hub.snapshots.at(-1)?.snapshot.status;
    // A file that is just being written may be told as empty before.
    return status?.detail.includes(line) === true ? status : undefined;
  });
  expect(told).toMatchObject({ code: 'degraded', detail: [line] });
  await fleet.running.says('manifest not applied, the earlier one is in force: ');
  expect(fleet.status('llama')).toMatchObject({ state: 'ready', pid: before.pid });

  await writeFile(fleet.host.manifest, valid);
  await eventually(
    'the status is well again',
    () => fleet.hub.snapshots.at(-1)?.snapshot.status.code === 'ok',
  );
  expect(fleet.status('llama')).toMatchObject({ pid: before.pid, restarts_total: 0 });
});

test('a file that is replaced as editors do, and a link that is turned elsewhere, are noticed', async () => {
  const fleet = await ReloadedHost.with('llama');
  const { manifest } = fleet.host;
  const text = await fleet.text();
  const budgetOf = (max: number): string =>
    text.replace('id = "llama"', `id = "llama"\nrestart = { max = ${max} }`);
  await writeFile(`${manifest}.swp`, budgetOf(4));
  await rename(`${manifest}.swp`, manifest);
  await fleet.statusWhere('llama', ({ restart_budget }) => restart_budget?.max_restarts === 4);

  // A folder of versions, a link to the present one, and the manifest as a link through it.
  for (const version of ['v1', 'v2']) await mkdir(join(fleet.host.folder, version));
  await writeFile(join(fleet.host.folder, 'v1', 'runtimes.toml'), budgetOf(5));
  await writeFile(join(fleet.host.folder, 'v2', 'runtimes.toml'), budgetOf(6));
  const current = join(fleet.host.folder, 'current');
  await symlink('v1', current);
  await unlink(manifest);
  await symlink(join('current', 'runtimes.toml'), manifest);
  await fleet.statusWhere('llama', ({ restart_budget }) => restart_budget?.max_restarts === 5);
  await symlink('v2', `${current}.new`);
  await rename(`${current}.new`, current);
  const last = await fleet.statusWhere('llama', ({ restart_budget }) => restart_budget?.max_restarts === 6);
  expect(last).toMatchObject({ state: 'ready', restarts_total: 0 });
});

test('SIGHUP reads it again and says what came of it; it ends nothing', async () => {
  const fleet = await ReloadedHost.with('llama');
  fleet.hup();
  await fleet.running.says('SIGHUP: reading the manifest again');
  await fleet.running.says('is in force: no runtime differs; 1 unchanged');
  expect(await fleet.host.children()).toHaveLength(1);
});

test('a runtime that only gets another id keeps its port, and comes up at once', async () => {
  const fleet = await ReloadedHost.with('old');
  await writeFile(fleet.host.manifest, (await fleet.text()).replace('id = "old"', 'id = "new"'));
  const status = await fleet.statusWhere('new', ({ state }) => state === 'ready');
  expect(status).toMatchObject({ restarts_total: 0 });
  expect(fleet.running.lines.join('\n')).not.toContain('is in use by another process');
});

test('taken out and put back before it was down: it comes up again, once', async () => {
  const fleet = await ReloadedHost.with('llama');
  const { manifest } = fleet.host;
  const first = await fleet.statusWhere('llama', ({ state }) => state === 'ready');
  const stubborn = (await fleet.text()).replace('"-m"', '"--ignore-sigterm", "-m"');
  await writeFile(manifest, stubborn);
  const before = await fleet.statusWhere('llama', ({ state, pid }) => state === 'ready' && pid !== first.pid);
  await writeFile(manifest, 'version = 1\n');
  await fleet.running.says('llama: Offline - Stopping');
  await writeFile(manifest, stubborn);
  const after = await fleet.statusWhere('llama', ({ state, pid }) => state === 'ready' && pid !== before.pid);
  expect(after).toMatchObject({ restarts_total: 0 });
  expect(await fleet.host.children()).toHaveLength(1);
  await fleet.running.says('llama added');
});

test('the gateway outlives a reload, and a change of its own table is told to wait', async () => {
  const reloaded = await ReloadedHost.with('a');
  const said = await reloaded.running.says('gateway: http');
  const url = /gateway: (\S+)/.exec(said)?.[1] ?? '';
  const models = async (): Promise<string> => (await fetch(`${url}/models`)).text();
  expect(await models()).toContain('"runtime":"a"');

  const added = `[gateway]\nport = 1\n${textOf([await reloaded.entry('b')]).replace('version = 1\n', '')}`;
  await writeFile(reloaded.host.manifest, `${await reloaded.text()}\n${added}`);
  await reloaded.running.says('the change of [gateway] takes effect when the reporter is started again');
  await reloaded.statusWhere('b', ({ state }) => state === 'ready');
  expect(await models()).toContain('"runtime":"b"');
});
