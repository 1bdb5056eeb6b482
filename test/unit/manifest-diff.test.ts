// What another manifest means for each runtime: only what changed is touched, and only as far as it must be.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeWords, diffManifests, type Change } from '../../reporter/manifest-diff.ts';
import type { Manifest, RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { holds } from '../support/property.ts';

const LLAMA: RuntimeEntry = {
  id: 'llama',
  adapter: 'llama.cpp',
  process: { command: 'llama-server', args: ['-m', 'a.gguf'], env: { A: '1' } },
  presets: { long: { args: ['-c', '32768'] }, short: { args: ['-c', '512'] } },
};
const manifest = (...runtimes: RuntimeEntry[]): Manifest => ({ version: 1, runtimes });
const kinds = (changes: readonly Change[]): string[] => changes.map(({ id, kind }) => `${id} ${kind}`);

const restarting = (before: Manifest, after: Manifest): Set<string> =>
  new Set(diffManifests(before, after).flatMap(({ id, kind }) => (kind === 'restart' ? [id] : [])));

/** What becomes of a running runtime whose entry is changed. */
function fate(change: Partial<RuntimeEntry>, preset?: string, before: RuntimeEntry = LLAMA): string {
  const after = { ...before, ...change };
  return (
    diffManifests(
      manifest(before),
      manifest(after),
      new Map([['llama', preset === undefined ? {} : { preset }]]),
    )[0]?.kind ?? 'none'
  );
}

describe('a changed entry', () => {
  const { process } = LLAMA;
  test.each<[string, Partial<RuntimeEntry>, string]>([
    ['nothing', {}, 'keep'],
    ['an argument', { process: { ...process, args: ['-m', 'b.gguf'] } }, 'restart'],
    ['the program', { process: { ...process, command: 'other' } }, 'restart'],
    ['the environment', { process: { ...process, env: { A: '2' } } }, 'restart'],
    ['the folder', { process: { ...process, workdir: '/srv' } }, 'restart'],
    ['the preset to start with', { preset: 'long' }, 'restart'],
    ['a preset that it was not started with', { presets: { ...LLAMA.presets, long: {} } }, 'update'],
    ['its name', { name: 'Llama' }, 'update'],
    ['its tags', { tags: { rack: 'b2' } }, 'update'],
    ['its budget', { restart: { max: 9 } }, 'update'],
    ['auto_start', { auto_start: false }, 'update'],
    ['how long it may be silent', { process: { ...process, wedge_seconds: 5 } }, 'update'],
    ['where it is asked', { process: { ...process, health: { url: 'http://127.0.0.1:1/' } } }, 'update'],
  ])('%s', (_what, change, kind) => {
    expect(fate(change)).toBe(kind);
  });

  test('a key that this version does not know is taken as part of the launch', () => {
    const later = { ...LLAMA, of_a_later_version: true };
    expect(kinds(diffManifests(manifest(LLAMA), manifest(later)))).toEqual(['llama restart']);
  });

  const asked = (url: string): Partial<RuntimeEntry> => ({ process: { ...process, health: { url } } });
  const confined = (kind: 'bwrap' | 'container'): RuntimeEntry => ({
    ...LLAMA,
    accelerator: 'gpu_cuda',
    sandbox: { kind, image: 'x' },
  });
  test.each<[string, RuntimeEntry, RuntimeEntry['accelerator'], string]>([
    ['is a word where nothing is confined', LLAMA, 'gpu_cuda', 'update'],
    ['gives or takes devices in bwrap', confined('bwrap'), 'cpu', 'restart'],
    ['says to bwrap only whether', confined('bwrap'), 'gpu_rocm', 'update'],
    ['says to a container which', confined('container'), 'gpu_rocm', 'restart'],
    [
      'says nothing where the manifest says devices',
      { ...confined('bwrap'), sandbox: { kind: 'bwrap', devices: true } },
      'cpu',
      'update',
    ],
  ])('the accelerator %s', (_what, before, accelerator, kind) => {
    expect(fate({ accelerator }, undefined, before)).toBe(kind);
  });

  test('the sandbox that a command chose counts, not the one that the manifest names', () => {
    const before = manifest(confined('bwrap'));
    const after = manifest({ ...confined('bwrap'), accelerator: 'cpu' });
    const changes = (sandbox: 'none' | 'bwrap'): Change[] =>
      diffManifests(before, after, new Map([['llama', { sandbox }]]));
    expect(kinds(changes('none'))).toEqual(['llama update']);
    expect(kinds(changes('bwrap'))).toEqual(['llama restart']);
  });

  test('where a confined server is asked is where its sandbox is reached', () => {
    const before = { ...confined('bwrap'), ...asked('http://127.0.0.1:1/') };
    expect(fate(asked('http://127.0.0.1:1/ready'), undefined, before)).toBe('update');
    expect(fate(asked('http://127.0.0.1:2/'), undefined, before)).toBe('restart');
  });

  test('the preset that it runs with by command counts, others do not', () => {
    const changed = { presets: { ...LLAMA.presets, long: { args: ['-c', '65536'] } } };
    expect(fate(changed, 'long')).toBe('restart');
    expect(fate(changed, 'short')).toBe('update');
    expect(fate({ preset: 'short' }, 'long')).toBe('update');
    expect(fate({ presets: {} }, 'long')).toBe('restart');
  });
});

test('what is new is added, what is gone is removed, in the order of the new manifest', () => {
  const entry = (id: string): RuntimeEntry => ({ ...LLAMA, id });
  const changes = diffManifests(manifest(entry('a'), entry('b')), manifest(entry('c'), entry('b')));
  expect(kinds(changes)).toEqual(['c add', 'b keep', 'a remove']);
  expect(changeWords(changes)).toBe('c added, a removed; 1 unchanged');
  expect(changeWords(diffManifests(manifest(LLAMA), manifest(LLAMA)))).toBe(
    'no runtime differs; 1 unchanged',
  );
});

describe('of any two manifests', () => {
  const entries = fc.record(
    {
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      adapter: fc.constantFrom('llama.cpp' as const, 'process' as const),
      name: fc.constantFrom('x', 'y'),
      preset: fc.constantFrom('p', 'q'),
      presets: fc.dictionary(
        fc.constantFrom('p', 'q'),
        fc.record({ args: fc.array(fc.constantFrom('1', '2')) }),
      ),
      process: fc.record({ args: fc.array(fc.constantFrom('-m', '-c'), { maxLength: 2 }) }),
    },
    { requiredKeys: ['id', 'adapter', 'process'] },
  );
  const manifests = fc
    .uniqueArray(entries, { selector: ({ id }) => id, maxLength: 5 })
    .map((runtimes): Manifest => ({ version: 1, runtimes }));

  test('every runtime of either has exactly one change, and the right one where it is in one only', () => {
    holds(
      fc.property(manifests, manifests, (before, after) => {
        const changes = diffManifests(before, after);
        const [old, now] = [before, after].map(({ runtimes }) => new Set(runtimes.map(({ id }) => id)));
        expect(new Set(changes.map(({ id }) => id))).toEqual(new Set([...(old ?? []), ...(now ?? [])]));
        expect(new Set(changes.map(({ id }) => id)).size).toBe(changes.length);
        for (const { id, kind } of changes) {
          expect(kind === 'add').toBe(!old?.has(id));
          expect(kind === 'remove').toBe(!now?.has(id));
        }
      }),
    );
  });

  test('a manifest against itself keeps everything, in whatever order it is written', () => {
    holds(
      fc.property(manifests, (one) => {
        const turned = { ...one, runtimes: one.runtimes.toReversed() };
        expect(diffManifests(one, turned).every(({ kind }) => kind === 'keep')).toBe(true);
      }),
    );
  });

  test('what restarts on the way there restarts on the way back', () => {
    holds(
      fc.property(manifests, manifests, (one, other) => {
        expect(restarting(one, other)).toEqual(restarting(other, one));
      }),
    );
  });
});
