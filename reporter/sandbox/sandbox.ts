// Owns how a child is confined at its launch, and nothing else: a launch in, the launch of its sandbox out.

import type { SandboxKind } from '../../contract/words.ts';
import type { Endpoint } from '../backends/backend.ts';
import type { LaunchSpec } from '../supervisor/child.ts';

export type Sandbox = {
  readonly kind: SandboxKind;
  /** The sandbox has the program in itself: whether this host has it too does not matter. */
  readonly bringsProgram: boolean;
  /** The launch that runs `spec` inside, where it can be reached at its endpoint. It may look at this host's files. */
  confine(spec: LaunchSpec, endpoint: Endpoint): LaunchSpec;
  /** By which words a later reporter adopts that launch. It looks at nothing. */
  asked(spec: LaunchSpec, endpoint: Endpoint): readonly string[];
  /** Reasons why this launch cannot be confined on this host, each saying what to do. */
  faults(spec: LaunchSpec, endpoint: Endpoint): Promise<string[]>;
  /** Ends what a killed child leaves running; never rejects. To be awaited before a launch and after an end. */
  clear(): Promise<void>;
};

export const UNCONFINED: Sandbox = {
  kind: 'none',
  bringsProgram: false,
  confine: (spec) => spec,
  asked: askedOf,
  faults: async () => [],
  clear: async () => undefined,
};

/** What a launch is known by: what was asked for, else its command line. */
export function askedOf({ asked, command, args }: LaunchSpec): readonly string[] {
  return asked ?? [command, ...args];
}

/** The endpoint's address as a socket takes it: without brackets, and with the port that a URL leaves out. */
export function addressOf({ origin }: Endpoint): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(origin);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || (protocol === 'https:' ? 443 : 80)),
  };
}

/** A sandbox is reached on this host only, so its server must listen here. */
export function loopbackFaults(endpoint: Endpoint, kind: SandboxKind): string[] {
  const { host } = addressOf(endpoint);
  if (host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host)) return [];
  return [
    `Sandbox ${kind} is reached on 127.0.0.1 only, not on ${host}; change --host or process.health.url, or use sandbox none`,
  ];
}
