// Owns the audit log over HTTP: newest first, page by page.

import { Hono } from 'hono';
import type { Audit } from '../../contract/audit.ts';
import { AuditQuerySchema } from '../domain/audit.ts';
import type { HubEnv } from '../env.ts';
import { onlyMethods } from '../middleware/method.ts';
import { checkedQuery } from '../middleware/query.ts';
import { fleet } from '../objects/stubs.ts';
import { problemResponse } from '../problem-response.ts';

export const audit = new Hono<HubEnv>();

audit.get('/', async (c) => {
  const query = checkedQuery(c, AuditQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  const { limit } = query.value;
  // One more than the page shows tells whether another one follows.
  const found = await fleet(c.env).audit({ ...query.value, limit: limit + 1 });
  const entries = found.slice(0, limit);
  const last = found.length > limit ? entries.at(-1) : undefined;
  const answer: Audit = { entries, ...(last && { next_cursor: String(last.id) }) };
  return c.json(answer, 200, { 'cache-control': 'private, no-store' });
});
audit.all('/', onlyMethods('GET'));
