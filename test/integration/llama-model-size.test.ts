// The size of a model on disk: one file, all parts of a split one, and what is not there.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { modelOnDisk, partsOf } from '../../reporter/backends/llama-model-size.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('one file', async () => {
  const file = join(await temporaryFolder(), 'tiny.gguf');
  await writeFile(file, 'x'.repeat(1_234));
  expect(await modelOnDisk(file)).toEqual({ name: 'tiny.gguf', sizeBytes: 1_234 });
});

test('a split model is the sum of its parts', async () => {
  const folder = join(await temporaryFolder(), 'large-00001-of-00002.gguf');
  await mkdir(folder);
  const [first, second] = ['large-00001-of-00002.gguf', 'large-00002-of-00002.gguf'];
  await writeFile(join(folder, first), 'x'.repeat(100));
  // Only the name of the file says how it is split, not that of its folder.
  expect(await modelOnDisk(join(folder, first))).toEqual({ name: first });
  await writeFile(join(folder, second), 'x'.repeat(11));
  expect(await modelOnDisk(join(folder, first))).toEqual({ name: first, sizeBytes: 111 });
});

test('the parts by name', () => {
  expect(partsOf('/m/a-00001-of-00003.gguf')).toEqual([
    '/m/a-00001-of-00003.gguf',
    '/m/a-00002-of-00003.gguf',
    '/m/a-00003-of-00003.gguf',
  ]);
  // Another part than the first is not what a server is given.
  expect(partsOf('/m/a-00002-of-00003.gguf')).toEqual(['/m/a-00002-of-00003.gguf']);
});

test('a missing file has a name and no size', async () => {
  expect(await modelOnDisk(join(await temporaryFolder(), 'gone.gguf'))).toEqual({ name: 'gone.gguf' });
});
