// Owns what is known of a model before it is loaded: its name, and its size on disk with all its parts.

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { LoadingModel } from '../supervisor/state.ts';

/** A large model is split as gguf-split names it: `…-00001-of-00003.gguf` is the one that is given, and the first. */
const FIRST_PART = /-00001-of-(\d{5})\.gguf$/;

/** The name is that of the file as it is given; the size is left out where a part of it cannot be found. */
export async function modelOnDisk(file: string): Promise<LoadingModel> {
  const name = basename(file);
  try {
    const sizes = await Promise.all(partsOf(file).map(async (part) => (await stat(part)).size));
    return { name, sizeBytes: sizes.reduce((sum, size) => sum + size, 0) };
  } catch {
    // Whether the file is there is the preflight's to say, and the server's; its size is unknown then.
    return { name };
  }
}

/** @returns the file itself, or all parts of a split model that begins with it. */
export function partsOf(file: string): string[] {
  const count = FIRST_PART.exec(file)?.[1];
  if (count === undefined) return [file];
  return Array.from({ length: Number(count) }, (_, index) =>
    file.replace(FIRST_PART, `-${String(index + 1).padStart(5, '0')}-of-${count}.gguf`),
  );
}
