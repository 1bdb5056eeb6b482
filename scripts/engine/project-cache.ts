/** Owns where the project keeps what it can make again: a folder of the checkout that git ignores. */
import { fileURLToPath } from 'node:url';

export function projectCacheDir(): string {
  return fileURLToPath(new URL('../../.cache', import.meta.url));
}
