// Owns the stream of events over HTTP: as server-sent events, which the worker makes from a WebSocket to Fleet so that
// Fleet may sleep meanwhile, or that WebSocket itself.

import { Hono } from 'hono';
import { EVENTS_PROTOCOL } from '../../contract/events.ts';
import { problem } from '../../contract/problem.ts';
import { EventsQuerySchema, LastEventIdSchema, subscriptionOf } from '../domain/event-stream.ts';
import { checkValue } from '../domain/parse.ts';
import type { HubEnv } from '../env.ts';
import { EventBridge } from '../event-bridge.ts';
import { onlyMethods } from '../middleware/method.ts';
import { checkedQuery } from '../middleware/query.ts';
import { eventsRequest, fleet } from '../objects/stubs.ts';
import { problemResponse } from '../problem-response.ts';

export const events = new Hono<HubEnv>();

events.get('/', async (c) => {
  const query = checkedQuery(c, EventsQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  const header = checkValue(LastEventIdSchema, { 'Last-Event-ID': c.req.header('last-event-id') });
  if (!header.ok) return problemResponse(header.problem);
  const subscription = subscriptionOf(query.value, header.value['Last-Event-ID']);
  if (c.req.header('upgrade')?.toLowerCase() === 'websocket') {
    const offered = (c.req.header('sec-websocket-protocol') ?? '').split(',').map((word) => word.trim());
    const hasProtocol = offered.includes(EVENTS_PROTOCOL);
    if (!hasProtocol && offered.some((word) => word !== '')) {
      return problemResponse(
        problem('upgrade-required', `Offer the subprotocol "${EVENTS_PROTOCOL}", or none`),
      );
    }
    return fleet(c.env).fetch(eventsRequest(subscription, hasProtocol));
  }
  // Before anything can happen that is told: whoever loses the stream before the first event resumes from that time.
  const date = new Date().toUTCString();
  const answer = await fleet(c.env).fetch(eventsRequest(subscription, false));
  const { webSocket } = answer;
  if (webSocket === null) return answer;
  const bridge = new EventBridge(webSocket);
  c.req.raw.signal.addEventListener('abort', () => bridge.leave(), { once: true });
  webSocket.accept();
  return new Response(bridge.readable, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      date,
      'x-accel-buffering': 'no',
    },
  });
});
events.all('/', onlyMethods('GET'));
