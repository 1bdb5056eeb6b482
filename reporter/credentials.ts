// Owns how this host proves to a hub who it is: enrolment with a join token, and the file that keeps what it got.

import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { EnrollResponseSchema } from '../contract/node-api.ts';
import { ConfigError } from './config.ts';
import { makeFolder } from './lock.ts';
import { postToHub, type HubFault } from './uplink/hub-http.ts';
import { codeOf, messageOf } from './errors.ts';

const CredentialsSchema = v.object({
  hub: v.string(),
  node: v.string(),
  token: v.pipe(v.string(), v.minLength(1)),
  command_key: v.pipe(v.string(), v.minLength(1)),
});
export type Credentials = v.InferOutput<typeof CredentialsSchema>;

export type Enrolment = { ok: true; credentials: Credentials } | { ok: false; fault: HubFault };

/** The credentials kept for this hub and node; undefined where there are none. @throws ConfigError on a broken file. */
export async function loadCredentials(
  stateDir: string,
  hub: URL,
  node: string,
): Promise<Credentials | undefined> {
  const path = credentialsPath(stateDir);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new ConfigError(`${path} cannot be read (${messageOf(error)})`, { cause: error });
  }
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), CredentialsSchema), text);
  if (!parsed.success) {
    throw new ConfigError(`${path} is damaged; remove it and enrol again with ARW_JOIN_TOKEN`);
  }
  const kept = parsed.output;
  if (kept.node !== node) {
    throw new ConfigError(`${path} belongs to node "${kept.node}", not "${node}"; use another --state-dir`);
  }
  return kept.hub === hub.href ? kept : undefined;
}

/** Enrols once; the caller decides whether a fault is worth another try. */
export async function enrol(
  hub: URL,
  node: string,
  joinToken: string,
  signal: AbortSignal,
): Promise<Enrolment> {
  const answer = await postToHub({
    url: new URL('nodes/enroll', hub),
    body: JSON.stringify({ join_token: joinToken, node }),
    schema: EnrollResponseSchema,
    signal,
  });
  if (!answer.ok) return answer;
  const { token, command_key } = answer.value;
  return { ok: true, credentials: { hub: hub.href, node, token, command_key } };
}

/** Keeps the credentials, readable by this user alone, whole or not at all. */
export async function saveCredentials(stateDir: string, credentials: Credentials): Promise<void> {
  await makeFolder(stateDir);
  const path = credentialsPath(stateDir);
  await writeFile(`${path}.new`, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}

export function credentialsPath(stateDir: string): string {
  return join(stateDir, 'credentials.json');
}
