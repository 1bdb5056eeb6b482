// Owns where a server that is told `--host` and `--port` takes requests: its address from its arguments.

import type { LaunchSpec } from '../supervisor/child.ts';
import { flagValue } from './launch-spec.ts';

export type ListenAddress = { origin: string; hostname: string; port: number };

const LOOPBACK = '127.0.0.1';
/** A server that listens everywhere is asked where it is nearest. */
const ANY_ADDRESS = new Set(['0.0.0.0', '::']);

/** Says the address explicitly, loopback and `defaultPort` where the manifest names none: builds differ in theirs. */
export function withAddress(spec: LaunchSpec, defaultPort: string): LaunchSpec {
  const args = [...spec.args];
  if (flagValue(args, ['--host']) === undefined) args.push('--host', LOOPBACK);
  if (flagValue(args, ['--port']) === undefined) args.push('--port', defaultPort);
  return { ...spec, args };
}

export function listenAddress(args: readonly string[], defaultPort: string): ListenAddress {
  const host = (flagValue(args, ['--host']) ?? LOOPBACK).replace(/^\[(.*)\]$/, '$1');
  const hostname = ANY_ADDRESS.has(host) ? LOOPBACK : host;
  const port = Number(flagValue(args, ['--port']) ?? defaultPort);
  const literal = hostname.includes(':') ? `[${hostname}]` : hostname;
  return { origin: `http://${literal}:${port}`, hostname, port };
}

/** A file that the manifest names, from where the server starts. */
export function fromWorkdir(spec: LaunchSpec, file: string): string {
  return file.startsWith('/') || spec.workdir === undefined ? file : `${spec.workdir}/${file}`;
}
