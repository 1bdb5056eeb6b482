// Owns the order in which a request meets the hub: public paths, the node side, then everything behind an admin token.

import { Hono } from 'hono';
import { problem } from '../contract/problem.ts';
import type { HubEnv } from './env.ts';
import { requireAdmin } from './middleware/authentication.ts';
import { requestId } from './middleware/request-id.ts';
import { failureResponse, problemResponse } from './problem-response.ts';
import { alerts } from './routes/alerts.ts';
import { events } from './routes/events.ts';
import { audit } from './routes/audit.ts';
import { grid } from './routes/grid.ts';
import { actions } from './routes/actions.ts';
import { dashboard } from './routes/dashboard.ts';
import { docs } from './routes/docs.ts';
import { joinTokens } from './routes/join-tokens.ts';
import { logs } from './routes/logs.ts';
import { meta } from './routes/meta.ts';
import { metrics } from './routes/metrics.ts';
import { nodeAdministration } from './routes/node-administration.ts';
import { nodes } from './routes/nodes.ts';
import { orchestrator } from './routes/orchestrator.ts';
import { session } from './routes/session.ts';
import { state } from './routes/state.ts';

export const app = new Hono<HubEnv>();

app.use(requestId);
app.route('/', meta);
app.route('/', dashboard);
app.route('/', docs);
app.route('/session', session);
app.route('/nodes', nodes);

app.use(requireAdmin);
app.route('/nodes', nodeAdministration);
app.route('/join-tokens', joinTokens);
app.route('/events', events);
app.route('/audit', audit);
app.route('/alerts', alerts);
app.route('/state', state);
app.route('/state/runtime_grid', grid);
app.route('/metrics', metrics);
app.route('/orchestrator', orchestrator);
app.route('/orchestrator', logs);
app.route('/actions', actions);

app.notFound((c) => problemResponse(problem('not-found', `There is nothing at ${c.req.path}`)));

app.onError((error, c) => failureResponse(c.req.raw, c.get('requestId'), error));
