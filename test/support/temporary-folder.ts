// Owns folders of one test: made when asked for, gone when the test is over.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'runtime-matrix-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}
