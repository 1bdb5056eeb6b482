// Every command of the README and the docs, executed from the text itself, in the order of the files, on one machine: the
// one that the README's first command makes.

import { glob, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { docsBlocks, ROOT } from '../support/docs-blocks.ts';
import { DocsWorld } from '../support/docs-world.ts';

/** One installs the package, workerd included. */
const TIMEOUT_MS = 300_000;

const [first, ...others] = await docsBlocks();

describe('the docs', { timeout: TIMEOUT_MS }, () => {
  let world: DocsWorld;
  beforeAll(async () => {
    world = await DocsWorld.make({ llamaServer: inject('llamaServer'), model: inject('tinyModel') });
    if (first === undefined) throw new Error('the README has no command');
    await world.start(first);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await world.stop();
    for await (const made of glob('runtime-matrix-*.tgz', { cwd: ROOT })) await rm(`${ROOT}/${made}`);
  }, TIMEOUT_MS);

  test('begin with what starts all that is needed', () => {
    expect(first?.place).toMatch(/^README\.md:/);
    expect(world.hubUrl).toMatch(/^http:/);
    expect(world.token).not.toBe('');
  });

  test.each(others)('$place ($how.kind)', async (block) => {
    const { exitCode, output } = await world.execute(block);
    expect(exitCode, `${block.text}\n${output}`).toBe(0);
  });
});
