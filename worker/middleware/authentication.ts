// Owns who a request is from. Admins are known here, by their token or by the session of their browser; a node token is only hashed here, its shard knows whether it admits.

import type { Context, MiddlewareHandler, Next } from 'hono';
import type { Actor } from '../../contract/audit.ts';
import { problem } from '../../contract/problem.ts';
import { isSameSecret, sha256 } from '../crypto.ts';
import type { By } from '../domain/audit.ts';
import { nodeOfToken } from '../domain/credentials.ts';
import { unknownNode } from '../domain/submit.ts';
import type { HubEnv } from '../env.ts';
import { fleet } from '../objects/stubs.ts';
import { problemResponse } from '../problem-response.ts';
import { mayActBySession, presentedSession } from '../session.ts';

const HOW_TO_PRESENT = 'Send "Authorization: Bearer <token>" or "X-ARW-Admin: <token>"';

/** The token that is a secret of the worker has no other name. */
export const FIRST_ADMIN: Actor = { role: 'admin', id: 'ARW_ADMIN_TOKEN' };

/** Lets admins pass. Whatever is not said to be public stands behind it, paths that do not exist included. */
export const requireAdmin: MiddlewareHandler<HubEnv> = async (c, next) => {
  const token = presentedToken(c);
  if (token === undefined) return bySession(c, next);
  if (isAdmin(c, token)) {
    c.set('actor', FIRST_ADMIN);
    return next();
  }
  return nodeOfToken(token) === undefined
    ? problemResponse(problem('unauthorized', 'This token is not known to the hub'))
    : problemResponse(
        problem('forbidden', 'A node token speaks for its own node only: use an admin token here'),
      );
};

async function bySession(c: Context<HubEnv>, next: Next): Promise<Response | void> {
  const until = await presentedSession(c, Date.now());
  if (until === undefined) return problemResponse(problem('unauthorized', HOW_TO_PRESENT));
  if (!mayActBySession(c)) {
    return problemResponse(
      problem('forbidden', 'A session acts from the page of the hub alone: elsewhere send a token'),
    );
  }
  c.set('actor', FIRST_ADMIN);
  c.set('sessionUntil', until);
  return next();
}

/** Lets the token of the node in the path pass on to its shard, which has the last word. */
export const requireNodeToken: MiddlewareHandler<HubEnv, '/:node/*'> = async (c, next) => {
  const node = c.req.param('node');
  const token = presentedToken(c);
  if (token === undefined)
    return problemResponse(problem('unauthorized', 'Send "Authorization: Bearer <node token>"'));
  const claimed = nodeOfToken(token);
  if (claimed === node) {
    c.set('tokenHash', await sha256(token));
    return next();
  }
  if (claimed !== undefined) {
    return problemResponse(
      problem('forbidden', `This token speaks for node "${claimed}", not for "${node}"`),
    );
  }
  if (!isAdmin(c, token)) return problemResponse(problem('unauthorized', 'This is not the token of a node'));
  const isKnown = (await fleet(c.env).credentials(node)) !== null;
  return problemResponse(
    isKnown ? problem('forbidden', `Only the token of node "${node}" may speak for it`) : unknownNode(node),
  );
};

export function isAdmin(c: Context<HubEnv>, token: string): boolean {
  const admin = c.env.ARW_ADMIN_TOKEN;
  if (admin === undefined || admin === '') {
    console.error('ARW_ADMIN_TOKEN is not set: nobody can be admitted as admin');
    return false;
  }
  return isSameSecret(token, admin);
}

/** Who asks, behind `requireAdmin`. */
export function askedBy(c: Context<HubEnv>): By {
  return { actor: c.get('actor'), requestId: c.get('requestId') };
}

function presentedToken(c: Context<HubEnv>): string | undefined {
  return bearerToken(c.req.raw) ?? c.req.header('x-arw-admin');
}

export function bearerToken(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1];
}
