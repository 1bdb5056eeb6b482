// Owns the page of the hub: files without any data of the fleet, so that anybody may load them. What they show they ask
// for like everybody else.

import { Hono, type Context } from 'hono';
import type { HubEnv } from '../env.ts';

/** Nothing of elsewhere is loaded, nothing is run that is not a file of ours, and nobody frames the page. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const SECURITY = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

const PAGE = '/index.html';

export const dashboard = new Hono<HubEnv>();

/** Programs that ask for `/` hear what they always did: only who wants a page gets one. */
dashboard.get('/', async (c, next) => {
  if (c.env.ASSETS === undefined || !wantsPage(c)) return next();
  return file(c, PAGE, { 'cache-control': 'no-cache', vary: 'accept' });
});

/** Their names hold a hash of what is in them: a file never changes under its name. */
dashboard.get('/assets/:file', async (c, next) => {
  if (c.env.ASSETS === undefined) return next();
  const { pathname } = new URL(c.req.url);
  return file(c, pathname, { 'cache-control': 'public, max-age=31536000, immutable' });
});

function wantsPage(c: Context<HubEnv>): boolean {
  return /\btext\/html\b/i.test(c.req.header('accept') ?? '');
}

export async function file(
  c: Context<HubEnv>,
  path: string,
  headers: Record<string, string>,
): Promise<Response> {
  const asked = new Request(new URL(path, c.req.url), { method: c.req.method, headers: c.req.raw.headers });
  const found = await c.env.ASSETS?.fetch(asked);
  if (found === undefined || (!found.ok && found.status !== 304)) return c.notFound();
  const answer = new Response(found.body, found);
  for (const [name, value] of Object.entries({ ...SECURITY, ...headers })) answer.headers.set(name, value);
  return answer;
}
