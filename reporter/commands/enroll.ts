// Owns `arw-reporter enroll`: this host made known to a hub now, without running anything yet.

import { access, constants } from 'node:fs/promises';
import { ConfigError, readHub, readJoinToken, readPlace, type Flags } from '../config.ts';
import {
  credentialsPath,
  enrol,
  loadCredentials,
  saveCredentials,
  type Credentials,
} from '../credentials.ts';
import { messageOf } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { lockHolder, makeFolder } from '../lock.ts';

export type EnrollFlags = Flags & { force?: boolean };

/** Returns the exit code. @throws ConfigError where a setting cannot be used. */
export async function enrollCommand(flags: EnrollFlags): Promise<number> {
  const { node, stateDir } = readPlace(flags, process.env);
  const hub = readHub(flags, process.env);
  const path = credentialsPath(stateDir);
  if (flags.force !== true && (await kept(stateDir, hub, node)) !== undefined) {
    say(`node ${node} is enrolled at ${hub.href} already (${path}); --force enrols it anew`);
    return EXIT.ok;
  }
  const joinToken = readJoinToken(flags, process.env);
  if (joinToken === undefined) {
    throw new ConfigError(
      'there is no join token; get one from the operator of the hub (arw-cli join-token) and set ARW_JOIN_TOKEN',
    );
  }
  await checkWritable(stateDir);
  const enrolment = await enrol(hub, node, joinToken, new AbortController().signal);
  if (!enrolment.ok) {
    process.stderr.write(`arw-reporter: ${enrolment.fault.message}\n`);
    return EXIT.failed;
  }
  await saveCredentials(stateDir, enrolment.credentials);
  say(`node ${node} is enrolled at ${hub.href}; its credentials are in ${path}, for this user alone`);
  const running = await lockHolder(stateDir);
  if (running !== undefined)
    say(`the reporter that runs here (process ${running}) takes them at its next start`);
  return EXIT.ok;
}

async function kept(stateDir: string, hub: URL, node: string): Promise<Credentials | undefined> {
  try {
    return await loadCredentials(stateDir, hub, node);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${error.message}, or replace it with --force`, { cause: error });
  }
}

/** Before the token is spent: what the hub gives for it must have a place. @throws ConfigError */
async function checkWritable(stateDir: string): Promise<void> {
  try {
    await makeFolder(stateDir);
    await access(stateDir, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const fault = `${stateDir} cannot be written (${messageOf(cause)})`;
    throw new ConfigError(`${fault}; name another one with --state-dir`, { cause });
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
