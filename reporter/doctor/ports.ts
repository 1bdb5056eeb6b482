// Owns who holds a TCP port of this host: the kernel's table of sockets, and whose open files they are.

import { readdir, readFile, readlink } from 'node:fs/promises';
import { commandLineOf } from '../../system/process-identity.ts';
import { portFault } from '../backends/preflight.ts';
import { fail, ok, skipped, type Finding } from './finding.ts';

const LISTEN = '0A';
const THIS_HOST = /^(localhost|127\.|0\.0\.0\.0$|\[?::1?\]?$)/;

/** @param ownPid the process that an earlier start of this runtime is remembered as. */
export async function checkPort(
  check: string,
  origin: string,
  ownPid: number | undefined,
): Promise<Finding[]> {
  const url = new URL(origin);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  if (!THIS_HOST.test(host)) return [skipped(check, `port ${port} is on ${host}, not on this host`)];
  if ((await portFault(host, port)) === undefined) return [ok(check, `port ${port} is free`)];
  const holder = await holderOf(port);
  if (holder === undefined) {
    return [
      fail(
        check,
        `port ${port} is in use, by a process that this user may not see`,
        `find it with "sudo ss -ltnp sport = :${port}", and stop it or choose another --port`,
      ),
    ];
  }
  if (ownPid !== undefined && (holder.pid === ownPid || holder.group === ownPid)) {
    return [ok(check, `port ${port} is held by its own process ${holder.pid}`)];
  }
  return [
    fail(
      check,
      `port ${port} is held by process ${holder.pid} (${holder.command})`,
      'stop that one, or choose another --port in the manifest',
    ),
  ];
}

/** The inodes of the sockets that listen on a port, from the text of /proc/net/tcp or tcp6. */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === LISTEN && local.endsWith(`:${wanted}`) && inode !== undefined ? [inode] : [];
  });
}

type Holder = { pid: number; group: number; command: string };

/** Undefined where the system does not tell, or not to this user. */
async function holderOf(port: number): Promise<Holder | undefined> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const links = new Set(
    tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`),
  );
  if (links.size === 0) return undefined;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || !(await hasOpen(entry, links))) continue;
    const pid = Number(entry);
    const command = (await commandLineOf(pid).catch(() => undefined))?.join(' ') ?? 'unknown';
    return {
      pid,
      group: await groupOf(pid),
      command: command.length > 60 ? `${command.slice(0, 59)}…` : command,
    };
  }
  return undefined;
}

async function hasOpen(pid: string, links: ReadonlySet<string>): Promise<boolean> {
  // Another user's process, or one that ended meanwhile: it cannot be asked.
  const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const file of files) {
    if (links.has(await readlink(`/proc/${pid}/fd/${file}`).catch(() => ''))) return true;
  }
  return false;
}

/** A runtime's child leads a group of its own: what a wrapper started belongs to it too. */
async function groupOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2] ?? Number.NaN);
}
