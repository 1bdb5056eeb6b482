// Owns telling which process listens on a port, from the kernel's own tables. What they do not tell stays unknown.

import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { commandLineOf } from './process-identity.ts';

export type Listener = { pid: number; program: string };

/** What listens on a host's port for a container: no stranger, whoever started it. */
const FORWARDERS = new Set(['docker-proxy', 'rootlessport', 'rootlesskit', 'conmon', 'pasta', 'slirp4netns']);
/** The state `LISTEN` in /proc/net/tcp. */
const LISTENING = '0A';

/**
 * The process that listens there and is neither `leader` nor of its group or descent; undefined where there is none, or
 * where it cannot be told: without /proc, or of a process that this user may not look into.
 */
export async function foreignListener(
  host: string,
  port: number,
  leader: number,
): Promise<Listener | undefined> {
  const wanted = await listeningSockets(host, port);
  // The common case costs one look at one process.
  for (const socket of await socketsOf(leader)) wanted.delete(socket);
  if (wanted.size === 0) return undefined;
  const holder = await holderOf(wanted);
  if (holder === undefined || FORWARDERS.has(holder.program)) return undefined;
  return (await isKin(holder.pid, leader)) ? undefined : holder;
}

/** The process that listens there; undefined as above. */
export async function listenerOn(host: string, port: number): Promise<Listener | undefined> {
  const wanted = await listeningSockets(host, port);
  return wanted.size === 0 ? undefined : holderOf(wanted);
}

/** The inodes of sockets that take connections to this address; empty where the system does not tell. */
async function listeningSockets(host: string, port: number): Promise<Set<string>> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((table) => readFile(table, 'utf8').catch(() => '')),
  );
  const inodes = tables.flatMap((table) =>
    table
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => state === LISTENING && takes(local, host, port))
      .map((fields) => fields[9] ?? ''),
  );
  return new Set(inodes);
}

/** `local` is as in the table: the address in hexadecimal, in the machine's byte order, and the port. */
export function takes(local: string, host: string, port: number): boolean {
  const [address = '', localPort = ''] = local.split(':');
  if (Number.parseInt(localPort, 16) !== port) return false;
  if (/^0+$/.test(address)) return true;
  const name = host === 'localhost' ? '127.0.0.1' : host;
  const bytes = name.split('.').map(Number);
  // Of IPv6 only its loopback is known here; another literal address is not compared, so nobody is blamed.
  if (bytes.length !== 4) return name === '::1' && address === '00000000000000000000000001000000';
  const hex = bytes.toReversed().map((byte) => byte.toString(16).padStart(2, '0').toUpperCase());
  return address.slice(-8) === hex.join('');
}

async function holderOf(inodes: ReadonlySet<string>): Promise<Listener | undefined> {
  const pids = (await entriesOf('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  for (const pid of pids) {
    const sockets = await socketsOf(pid);
    if (!sockets.some((socket) => inodes.has(socket))) continue;
    const [program] = (await commandLineOf(pid).catch(() => undefined)) ?? [];
    // Its arguments may hold secrets: the name is enough to find it by.
    return { pid, program: basename(program ?? 'unknown') };
  }
  return undefined;
}

async function socketsOf(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all(
    (await entriesOf(folder)).map((name) => readlink(`${folder}/${name}`).catch(() => '')),
  );
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

/** Of the leader's group, or started by it or by what it started. */
async function isKin(pid: number, leader: number): Promise<boolean> {
  for (let current = pid; current > 1;) {
    const found = await parentAndGroupOf(current);
    if (found === undefined) return false;
    if (current === leader || found.group === leader) return true;
    current = found.parent;
  }
  return false;
}

async function parentAndGroupOf(pid: number): Promise<{ parent: number; group: number } | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), group: Number(fields[2]) };
}

/** Empty where the process has gone, or this user may not look. */
async function entriesOf(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
