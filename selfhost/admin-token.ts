// Owns the first admin's token of a hub at home: given, or made where nobody but this machine can reach the hub.

import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { EXIT, HubError, isSystemError } from './hub-error.ts';

const TOKEN_FILE = 'admin-token';

/** `isOurs` where it was made here, so that its owner must be shown it. */
export type AdminToken = { token: string; isOurs: boolean };

/** The token under which this hub serves. @throws HubError where serving without a chosen one would be unsafe. */
export async function adminTokenFor(
  host: string,
  dataDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AdminToken> {
  const given = env['ARW_ADMIN_TOKEN'];
  if (given !== undefined && given !== '') return { token: given, isOurs: false };
  if (!isLoopback(host)) {
    throw new HubError(
      EXIT.refused,
      `${host} can be reached from other machines: set ARW_ADMIN_TOKEN to a secret of your own, or use --host 127.0.0.1`,
    );
  }
  return { token: (await kept(dataDir)) ?? (await made(dataDir)), isOurs: true };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

async function kept(dataDir: string): Promise<string | undefined> {
  try {
    const token = (await readFile(join(dataDir, TOKEN_FILE), 'utf8')).trim();
    return token === '' ? undefined : token;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function made(dataDir: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await writeFile(join(dataDir, TOKEN_FILE), `${token}\n`, { mode: 0o600 });
  return token;
}
