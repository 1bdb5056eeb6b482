// Owns who may knock: requests that were meant for this address, by programs of this host. Pure.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Refusal } from './refusal.ts';

export type Knock = {
  host: string | undefined;
  origin: string | undefined;
  authorization: string | undefined;
};

/**
 * A page that a browser loaded from elsewhere must reach no runtime: neither through a name that its owner points here
 * (DNS rebinding: the Host is foreign), nor by asking 127.0.0.1 outright (the Origin is foreign).
 */
export function refusalOf(knock: Knock, apiKey: string | undefined): Refusal | undefined {
  // HTTP/1.0 may leave it out, and a browser never does.
  if (knock.host !== undefined && !isLoopback(hostnameOf(knock.host))) {
    return {
      reason: 'foreign-host',
      detail: `This gateway serves this host alone; ask it as 127.0.0.1, not as ${shown(knock.host)}`,
    };
  }
  if (knock.origin !== undefined && !isLoopback(originHostname(knock.origin))) {
    return {
      reason: 'forbidden',
      detail: `Pages of ${shown(knock.origin)} may not use this gateway; ask it from a program on this host`,
    };
  }
  if (apiKey !== undefined && !isSame(knock.authorization ?? '', `Bearer ${apiKey}`)) {
    return {
      reason: 'unauthorized',
      detail:
        'Send the API key of this gateway as "Authorization: Bearer <key>"; the manifest names it in gateway.api_key_env',
    };
  }
  return undefined;
}

function hostnameOf(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase();
}

function originHostname(origin: string): string {
  return URL.parse(origin)?.hostname ?? '';
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  );
}

/** Hashes have one length, and comparing them takes one time. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hash(given), hash(expected));
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
