// Owns where a running reporter can be asked on its own host: the place of its socket, the same for both sides.

import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the kernel takes for a socket's path, without the zero at its end. */
const PATH_MAX_BYTES = process.platform === 'darwin' ? 103 : 107;

export type SocketPlace = {
  path: string;
  /** The state directory's own path is too long for a socket in it. */
  elsewhere: boolean;
};

export function socketPlace(stateDir: string, runtimeDir: string | undefined): SocketPlace {
  const path = join(stateDir, 'reporter.sock');
  if (Buffer.byteLength(path) <= PATH_MAX_BYTES) return { path, elsewhere: false };
  const name = createHash('sha256').update(stateDir).digest('hex').slice(0, 16);
  const folder = runtimeDir === undefined || runtimeDir === '' ? tmpdir() : runtimeDir;
  return { path: join(folder, `arw-reporter-${name}.sock`), elsewhere: true };
}
