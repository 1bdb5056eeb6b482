// Owns the session of a browser: a cookie that the hub signs under a key made of its own secret. Nothing is stored, so a
// session needs no object, survives a restart, and ends when it expires or when the secret is replaced.

import type { Context } from 'hono';
import { deleteCookie, getSignedCookie, setSignedCookie } from 'hono/cookie';
import { sha256 } from './crypto.ts';
import type { HubEnv } from './env.ts';
import { isFromOwnPage, sessionUntil, SESSION_MS } from './domain/session.ts';

const NAME_LENGTH = 8;

/** When the session that is presented expires, ms; undefined where there is none. */
export async function presentedSession(c: Context<HubEnv>, now: number): Promise<number | undefined> {
  const secret = secretOf(c);
  if (secret === undefined || c.req.header('cookie') === undefined) return undefined;
  const value = await getSignedCookie(c, keyOf(secret), await nameOf(secret));
  return typeof value === 'string' ? sessionUntil(value, now) : undefined;
}

/** @returns until when it lasts, ms. */
export async function beginSession(c: Context<HubEnv>, secret: string, now: number): Promise<number> {
  const until = now + SESSION_MS;
  await setSignedCookie(c, await nameOf(secret), String(until), keyOf(secret), {
    ...attributes(c),
    maxAge: SESSION_MS / 1000,
  });
  return until;
}

export async function endSession(c: Context<HubEnv>): Promise<void> {
  const secret = secretOf(c);
  if (secret !== undefined) deleteCookie(c, await nameOf(secret), attributes(c));
}

/** A cookie comes by itself, so what changes something must come from our own page; a token is sent on purpose. */
export function mayActBySession(c: Context<HubEnv>): boolean {
  const isUpgrade = c.req.header('upgrade') !== undefined;
  if (!isUpgrade && (c.req.method === 'GET' || c.req.method === 'HEAD')) return true;
  return isFromOwnPage({
    site: c.req.header('sec-fetch-site'),
    origin: c.req.header('origin'),
    host: c.req.header('host') ?? new URL(c.req.url).host,
  });
}

function secretOf(c: Context<HubEnv>): string | undefined {
  return c.env.ARW_ADMIN_TOKEN === '' ? undefined : c.env.ARW_ADMIN_TOKEN;
}

/** Another key than the secret itself: what is signed here proves nothing anywhere else. */
function keyOf(secret: string): string {
  return `arw.session.v1:${secret}`;
}

/** Browsers keep the cookies of all ports of a host together: two hubs on one machine must not share a name. */
async function nameOf(secret: string): Promise<string> {
  return `arw_session_${(await sha256(`arw.session.name:${secret}`)).slice(0, NAME_LENGTH)}`;
}

/** Behind a proxy that ends TLS only the browser's own word tells that its way is encrypted. */
function attributes(c: Context<HubEnv>): {
  path: string;
  httpOnly: true;
  sameSite: 'Strict';
  secure: boolean;
} {
  const isEncrypted = [c.req.header('origin'), c.req.url].some((url) => url?.startsWith('https://'));
  return { path: '/', httpOnly: true, sameSite: 'Strict', secure: isEncrypted };
}
