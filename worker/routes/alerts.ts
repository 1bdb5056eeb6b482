// Owns alerts over HTTP: set, read, removed, tried.

import { Hono } from 'hono';
import * as v from 'valibot';
import { AlertIdSchema, AlertRequestSchema, type Alerts } from '../../contract/alerts.ts';
import { problem } from '../../contract/problem.ts';
import type { HubEnv } from '../env.ts';
import { askedBy } from '../middleware/authentication.ts';
import { jsonBody } from '../middleware/body.ts';
import { onlyMethods } from '../middleware/method.ts';
import { fleet } from '../objects/stubs.ts';
import { problemResponse } from '../problem-response.ts';

const NOT_STORED = { 'cache-control': 'private, no-store' };

export const alerts = new Hono<HubEnv>();

alerts.get('/', async (c) => {
  const answer: Alerts = { alerts: await fleet(c.env).alerts() };
  return c.json(answer, 200, NOT_STORED);
});
alerts.all('/', onlyMethods('GET'));

alerts.get('/:id', async (c) => {
  const id = c.req.param('id');
  const alert = (await fleet(c.env).alerts()).find((known) => known.id === id);
  if (alert === undefined) {
    return problemResponse(problem('unknown-alert', `There is no alert "${id}": GET /alerts lists them`));
  }
  return c.json(alert, 200, NOT_STORED);
});
alerts.put('/:id', async (c) => {
  const id = v.safeParse(AlertIdSchema, c.req.param('id'));
  if (!id.success) return problemResponse(problem('alert-unusable', `The id ${id.issues[0].message}`));
  const body = await jsonBody(c, AlertRequestSchema);
  if (!body.ok) return problemResponse(body.problem);
  const set = await fleet(c.env).setAlert(id.output, body.value, askedBy(c));
  if (!set.ok) return problemResponse(set.problem);
  return c.json(set.value.alert, set.value.isNew ? 201 : 200, NOT_STORED);
});
alerts.delete('/:id', async (c) => {
  const removed = await fleet(c.env).removeAlert(c.req.param('id'), askedBy(c));
  return removed.ok ? c.body(null, 204) : problemResponse(removed.problem);
});
alerts.all('/:id', onlyMethods('GET, PUT, DELETE'));

alerts.post('/:id/test', async (c) => {
  const tested = await fleet(c.env).testAlert(c.req.param('id'), askedBy(c));
  return tested.ok ? c.json(tested.value, 200, NOT_STORED) : problemResponse(tested.problem);
});
alerts.all('/:id/test', onlyMethods('POST'));
