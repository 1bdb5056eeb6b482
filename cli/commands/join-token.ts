// Owns `arw-cli join-token`: the word with which a new host enrols itself.

import { JoinTokenResponseSchema } from '../../contract/node-api.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { print, printJson, progress } from '../output.ts';
import { toSeconds } from '../render/time.ts';

export async function joinToken(
  hub: Hub,
  options: { json?: boolean; uses: number; ttlSecs: number },
): Promise<void> {
  const answer = await askHub(hub, 'POST', 'join-tokens', { uses: options.uses, ttl_secs: options.ttlSecs });
  const made = expectBody(hub, answer, JoinTokenResponseSchema);
  if (options.json === true) return printJson(made);
  progress(
    `Good for ${options.uses} ${options.uses === 1 ? 'host' : 'hosts'} until ${toSeconds(made.expires_at)}; on the host:`,
  );
  if (isLoopback(hub.url.hostname)) {
    progress(`(${hub.url.hostname} is this machine only: elsewhere put the hub's address in its place)`);
  }
  print(`ARW_JOIN_TOKEN=${made.join_token} arw-reporter run --hub ${hub.url.origin}`);
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}
