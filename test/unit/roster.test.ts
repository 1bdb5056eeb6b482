// Which runtimes there are while manifests change: what is gone ends first, and the last manifest is the one that holds.

import { expect, test, vi } from 'vitest';
import type { Change } from '../../reporter/manifest-diff.ts';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { redactor } from '../../reporter/logs/redaction.ts';
import { RuntimeLog } from '../../reporter/supervisor/logs.ts';
import type { ManagedRuntime } from '../../reporter/supervisor/managed-runtime.ts';
import { Roster, type RuntimeMaker } from '../../reporter/supervisor/roster.ts';
import type { Outcome } from '../../reporter/supervisor/state.ts';
import { makeBackend } from '../../reporter/backends/registry.ts';
import { eventually } from '../support/eventually.ts';
import { POLICY } from '../support/machine-driver.ts';

const DOWN: Outcome = { ok: true, result: { state: 'offline' } };
const STUCK: Outcome = { ok: false, error: { reason: 'stuck', message: 'It does not end' } };

/** What was done, in order, and runtimes whose ends a test decides. */
class Host {
  readonly done: string[] = [];
  readonly ends: ((outcome: Outcome) => void)[] = [];
  roster = new Roster([]);

  readonly maker: RuntimeMaker = {
    make: (entry) => this.#runtime(entry),
    partsOf: (entry) => ({ backend: makeBackend(entry, { llamaServer: 'x' }), policy: POLICY }),
  };

  apply(...changes: Change[]): Promise<void> {
    return this.roster.apply(changes, this.maker);
  }

  /** What stands there, as `id adapter`. */
  get standing(): string[] {
    return this.roster.all().map(({ id, output }) => `${id} ${output === undefined ? 'remote' : 'process'}`);
  }

  #runtime(entry: RuntimeEntry): ManagedRuntime {
    const { id, adapter } = entry;
    const note = (what: string): void => void this.done.push(`${what} ${id}`);
    const isRemote = adapter === 'remote';
    const parts = {
      id,
      variant: {},
      version: undefined,
      accepting: true,
      lastModels: [],
      record: () => {
        throw new Error('nobody asks');
      },
      endpoint: () => undefined,
      adopt: async () => note('adopt'),
      start: () => note('start'),
      carryOut: async () => DOWN,
      release: () => note('release'),
    };
    if (isRemote) return { ...parts, output: undefined, shutDown: async () => DOWN };
    return {
      ...parts,
      output: new RuntimeLog('/nowhere', id, () => redactor([])),
      replace: (_parts, relaunch) => note(relaunch ? 'relaunch' : 'update'),
      shutDown: () => {
        note('stop');
        return new Promise((resolve) => this.ends.push(resolve));
      },
    };
  }

  async until(what: string): Promise<void> {
    await eventually(what, () => this.done.includes(what));
  }
}

const local = (id: string): RuntimeEntry => ({ id, adapter: 'llama.cpp', process: {} });
const remote = (id: string): RuntimeEntry => ({
  id,
  adapter: 'remote',
  process: {},
  remote: { url: 'https://api.example' },
});
const add = (entry: RuntimeEntry): Change => ({ kind: 'add', id: entry.id, entry });
const restart = (entry: RuntimeEntry): Change => ({ kind: 'restart', id: entry.id, entry });
const remove = (id: string): Change => ({ kind: 'remove', id });

test('what is new waits for what is gone, is adopted, then started', async () => {
  const host = new Host();
  await host.apply(add(local('a')));
  const applied = host.apply(add(local('b')), remove('a'));
  await host.until('stop a');
  expect(host.done).toEqual(['adopt a', 'start a', 'stop a']);
  host.ends[0]?.(DOWN);
  await applied;
  expect(host.done.slice(3)).toEqual(['release a', 'adopt b', 'start b']);
  expect(host.standing).toEqual(['b process']);
});

test('auto_start = false is made and left alone', async () => {
  const host = new Host();
  await host.apply(add({ ...local('a'), auto_start: false }));
  expect(host.done).toEqual(['adopt a']);
});

test('an endpoint elsewhere that becomes a process of this host is started', async () => {
  const host = new Host();
  await host.apply(add(remote('a')));
  host.done.length = 0;
  await host.apply(restart(local('a')));
  expect(host.done).toEqual(['release a', 'adopt a', 'start a']);
  expect(host.standing).toEqual(['a process']);
});

test('a process that becomes an endpoint elsewhere ends first', async () => {
  const host = new Host();
  await host.apply(add(local('a')));
  const applied = host.apply(restart(remote('a')));
  await host.until('stop a');
  expect(host.standing).toEqual(['a process']);
  expect(host.roster.standing('a')).toBeUndefined();
  host.ends[0]?.(DOWN);
  await applied;
  expect(host.standing).toEqual(['a remote']);
});

test.each<[string, Change, Change, string[]]>([
  ['moved elsewhere, then removed', restart(remote('a')), remove('a'), []],
  ['moved elsewhere and back', restart(remote('a')), restart(local('a')), ['a process']],
  ['removed, then put back', remove('a'), add(local('a')), ['a process']],
  ['removed, then put back elsewhere', remove('a'), add(remote('a')), ['a remote']],
])('two manifests within one stop, the last one holds: %s', async (_name, first, second, standing) => {
  const host = new Host();
  await host.apply(add(local('a')));
  const one = host.apply(first);
  await host.until('stop a');
  const two = host.apply(second);
  host.ends[0]?.(DOWN);
  await Promise.all([one, two]);
  expect(host.standing).toEqual(standing);
});

test('one that cannot be ended stays in sight, and goes once it can be', async () => {
  vi.useFakeTimers();
  try {
    const host = new Host();
    await host.apply(add(local('a')));
    const applied = host.apply(remove('a'));
    await vi.advanceTimersByTimeAsync(0);
    host.ends[0]?.(STUCK);
    await applied;
    expect(host.standing).toEqual(['a process']);
    expect(host.roster.standing('a')).toBeUndefined();
    await vi.advanceTimersByTimeAsync(15_000);
    host.ends[1]?.(DOWN);
    await vi.advanceTimersByTimeAsync(0);
    expect(host.standing).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

test('once the reporter ends, no manifest changes anything', async () => {
  const host = new Host();
  host.roster.end();
  await host.apply(add(local('a')));
  expect(host.done).toEqual([]);
});
