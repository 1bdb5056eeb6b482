// Owns the table of what the hub serves over HTTP: each route once, with what it takes and what it answers. A test holds it
// against the routes of the app, in both directions.

import * as v from 'valibot';
import { ACTION_MAX_BYTES, ActionRequestSchema, ActionSchema } from '../../contract/actions.ts';
import { AlertRequestSchema, AlertSchema, AlertsSchema, AlertTestedSchema } from '../../contract/alerts.ts';
import { AuditSchema } from '../../contract/audit.ts';
import {
  COMMAND_ARGS,
  COMMAND_KINDS,
  CommandAcceptedSchema,
  JobSchema,
  JobsSchema,
  type CommandKind,
} from '../../contract/command.ts';
import { EVENTS_PROTOCOL } from '../../contract/events.ts';
import { UPLINK_PROTOCOL } from '../../contract/frames.ts';
import { GridSchema } from '../../contract/grid.ts';
import { NodeIdSchema } from '../../contract/ids.ts';
import {
  CommandProgressSchema,
  EnrollRequestSchema,
  EnrollResponseSchema,
  HealthResponseSchema,
  JoinTokenRequestSchema,
  JoinTokenResponseSchema,
  TokenRotateRequestSchema,
  TokenRotateResponseSchema,
} from '../../contract/node-api.ts';
import type { ProblemReason } from '../../contract/problem.ts';
import { MatrixSchema, NodesSchema, SupervisorSchema } from '../../contract/read-models.ts';
import { SessionRequestSchema, SessionSchema } from '../../contract/session.ts';
import { SNAPSHOT_MAX_BYTES, SnapshotSchema } from '../../contract/snapshot.ts';
import { AuditQuerySchema } from '../domain/audit.ts';
import { EventsQuerySchema } from '../domain/event-stream.ts';
import { MatrixQuerySchema, SupervisorQuerySchema } from '../domain/filter.ts';
import { GridQuerySchema } from '../domain/grid.ts';
import { JobsQuerySchema } from '../domain/jobs.ts';
import { LogsQuerySchema } from '../domain/logs-query.ts';

export const TAGS = {
  State: 'The read models: what the fleet is now.',
  Orchestrator: 'Acts on runtimes, the jobs that tell what became of them, and logs.',
  Actions: 'Work that the fleet is asked for: a chat.',
  Events: 'What happens, as it happens.',
  Alerts: 'Where the hub tells of trouble by itself.',
  Administration: 'Join tokens, nodes of the registry, the audit log.',
  Nodes: 'What a reporter says and asks, under the token of its node.',
  Session: 'How a browser signs in and out.',
  Hub: 'The hub itself.',
} as const;

/** Who may ask. A node's token speaks for the node in the path alone; a join token is in the body. */
export type By = 'anybody' | 'admin' | 'node' | 'join-token';

/** An answer that is no problem document. Without a type it has no body. */
export type Answer = {
  what: string;
  type?: 'application/json' | 'text/plain' | 'text/html' | 'text/event-stream';
  schema?: v.GenericSchema;
  /** The same by another media type, where the request asks for it. */
  or?: Pick<Answer, 'type' | 'schema'>;
  headers?: readonly HeaderName[];
};

export type HeaderName =
  | 'etag'
  | 'location'
  | 'idempotency-replayed'
  | 'x-arw-action'
  | 'x-arw-node'
  | 'x-arw-runtime';
export type RequestHeader = 'Idempotency-Key' | 'If-None-Match' | 'Last-Event-ID';

type QuerySchema = v.GenericSchema & { entries: Readonly<Record<string, v.GenericSchema>> };

export type Route = {
  id: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As Hono has it: `/nodes/:node`. */
  path: string;
  /** The same under another path. */
  alias?: string;
  tag: keyof typeof TAGS;
  by: By;
  summary: string;
  details?: string;
  query?: QuerySchema;
  headers?: readonly RequestHeader[];
  body?: { schema: v.GenericSchema; isRequired: boolean; maxBytes: number };
  answers: Readonly<Record<number, Answer>>;
  /** Beside those that follow from who may ask and from what is taken. */
  problems: readonly ProblemReason[];
};

const json = (what: string, schema: v.GenericSchema, headers: readonly HeaderName[] = []): Answer => ({
  what,
  type: 'application/json',
  schema,
  headers,
});

const NOT_MODIFIED: Answer = { what: 'What the entity tag names is still so', headers: ['etag'] };

function body(schema: v.GenericSchema, { isRequired = false, maxBytes = SNAPSHOT_MAX_BYTES } = {}) {
  return { schema, isRequired, maxBytes };
}

const SPENDS = 'Spends a restart of the budget; without headroom the answer is `429` and nothing is queued.';

const ACTS: Record<CommandKind, { summary: string; details?: string }> = {
  restore: {
    summary: 'Restart a runtime or bring it back',
    details: `${SPENDS} \`force\` spends past an empty budget and is noted in the audit log; \`restart: false\` starts it only where it is not running.`,
  },
  start: { summary: 'Start what was shut down' },
  shutdown: { summary: 'Stop a runtime, and leave it stopped' },
  drain: {
    summary: 'Take no new work, and then stop, restart or hold',
    details: 'With `then: "restart"` it spends a restart of the budget.',
  },
  undrain: { summary: 'Take new work again' },
  load: { summary: 'Load a model of a runtime that serves several' },
  unload: { summary: 'Free the memory of a model' },
  switch: {
    summary: 'Run with another preset or in another sandbox',
    details:
      'At least one of them must be named. Where it is up and has not all of that already, it spends a restart of the ' +
      'budget; without headroom the answer is `429` and nothing is queued.',
  },
  budget: {
    summary: 'Change the restart budget until the next time',
    details: 'At least one member must be named.',
  },
};

const RUNTIME_PROBLEMS = ['unknown-runtime', 'ambiguous-runtime', 'shard-unreached', 'unknown-node'] as const;

const ACT_ROUTES: Route[] = COMMAND_KINDS.map((kind) => ({
  id: `${kind}Runtime`,
  method: 'POST',
  path: `/orchestrator/runtimes/:id/${kind}`,
  alias: `/orchestrator/runtimes/:node/:runtime/${kind}`,
  tag: 'Orchestrator',
  by: 'admin',
  ...ACTS[kind],
  headers: ['Idempotency-Key'],
  body: body(COMMAND_ARGS[kind], { isRequired: kind === 'load' || kind === 'unload' }),
  answers: {
    202: json('Queued; `job_id` names the job that tells the rest', CommandAcceptedSchema, [
      'idempotency-replayed',
    ]),
  },
  problems: [
    ...RUNTIME_PROBLEMS,
    'key-taken',
    'queue-full',
    ...(kind === 'restore' || kind === 'switch' || kind === 'drain' ? (['budget-exhausted'] as const) : []),
  ],
}));

export const ROUTES: readonly Route[] = [
  {
    id: 'readMatrix',
    method: 'GET',
    path: '/state/runtime_matrix',
    tag: 'State',
    by: 'admin',
    summary: 'Every node with its runtimes, accelerators and freshness',
    details:
      'With a `next_cursor` there is more: ask again with it as `cursor`. `view=summary` leaves out `runtimes` and `accelerators`.',
    query: MatrixQuerySchema,
    headers: ['If-None-Match'],
    answers: { 200: json('The matrix', MatrixSchema, ['etag']), 304: NOT_MODIFIED },
    problems: [],
  },
  {
    id: 'readSupervisor',
    method: 'GET',
    path: '/state/runtime_supervisor',
    tag: 'State',
    by: 'admin',
    summary: 'Every runtime of the fleet in one list',
    query: SupervisorQuerySchema,
    headers: ['If-None-Match'],
    answers: { 200: json('The runtimes', SupervisorSchema, ['etag']), 304: NOT_MODIFIED },
    problems: [],
  },
  {
    id: 'readGrid',
    method: 'GET',
    path: '/state/runtime_grid',
    tag: 'State',
    by: 'admin',
    summary: 'The fleet by model, hardware and sandbox',
    details: '`totals` are of the whole fleet, whatever cells a filter shows.',
    query: GridQuerySchema,
    headers: ['If-None-Match'],
    answers: { 200: json('The grid', GridSchema, ['etag']), 304: NOT_MODIFIED },
    problems: [],
  },
  {
    id: 'listNodes',
    method: 'GET',
    path: '/state/nodes',
    tag: 'State',
    by: 'admin',
    summary: 'Who is enrolled, heard or not',
    headers: ['If-None-Match'],
    answers: { 200: json('The registry', NodesSchema, ['etag']), 304: NOT_MODIFIED },
    problems: ['malformed-body'],
  },
  {
    id: 'listJobs',
    method: 'GET',
    path: '/state/jobs',
    tag: 'State',
    by: 'admin',
    summary: 'Jobs, newest first',
    query: JobsQuerySchema,
    answers: { 200: json('A page of jobs', JobsSchema) },
    problems: [],
  },
  {
    id: 'scrapeMetrics',
    method: 'GET',
    path: '/metrics',
    tag: 'State',
    by: 'admin',
    summary: 'The fleet and the hub for Prometheus',
    details: 'Text format 0.0.4. A figure that is not known has no sample.',
    answers: { 200: { what: 'The metrics', type: 'text/plain', schema: v.string() } },
    problems: ['malformed-body'],
  },
  ...ACT_ROUTES,
  {
    id: 'readLogs',
    method: 'GET',
    path: '/orchestrator/runtimes/:id/logs',
    alias: '/orchestrator/runtimes/:node/:runtime/logs',
    tag: 'Orchestrator',
    by: 'admin',
    summary: 'The log of a runtime, live from its host',
    details:
      'Text, or with `follow=1` server-sent events: `log` (a line), `dropped` (`{lines}` are missing here) and as the last one `end` (`{reason, message}`). The hub keeps none of it, and secrets are taken out on the host.',
    query: LogsQuerySchema,
    answers: {
      200: {
        what: 'The lines',
        type: 'text/plain',
        schema: v.string(),
        or: { type: 'text/event-stream', schema: v.string() },
      },
    },
    problems: [
      ...RUNTIME_PROBLEMS,
      'socket-needed',
      'too-many-readers',
      'node-too-old',
      'node-failed',
      'node-offline',
      'node-silent',
    ],
  },
  {
    id: 'readJob',
    method: 'GET',
    path: '/orchestrator/jobs/:id',
    tag: 'Orchestrator',
    by: 'admin',
    summary: 'What became of a command',
    answers: { 200: json('The job', JobSchema) },
    problems: ['unknown-job'],
  },
  {
    id: 'cancelJob',
    method: 'DELETE',
    path: '/orchestrator/jobs/:id',
    tag: 'Orchestrator',
    by: 'admin',
    summary: 'Take a command back',
    answers: {
      200: json('Cancelled: it was never sent', JobSchema),
      202: json('Its node is asked not to begin it; the job tells what came of that', JobSchema),
    },
    problems: ['unknown-job', 'too-late'],
  },
  {
    id: 'submitAction',
    method: 'POST',
    path: '/actions',
    tag: 'Actions',
    by: 'admin',
    summary: 'Ask the fleet for a chat',
    details:
      'It goes to the node that is named, else to the least loaded ready runtime that has the model. With `Accept: text/event-stream` the answer is the stream of the engine itself.',
    headers: ['Idempotency-Key'],
    body: body(ActionRequestSchema, { isRequired: true, maxBytes: ACTION_MAX_BYTES }),
    answers: {
      200: {
        what: "The engine's own stream, byte for byte",
        type: 'text/event-stream',
        schema: v.string(),
        headers: ['x-arw-action', 'x-arw-node', 'x-arw-runtime'],
      },
      202: json('Accepted; `id` names the action', ActionSchema, ['location', 'idempotency-replayed']),
    },
    problems: [
      'unknown-node',
      'unknown-model',
      'socket-needed',
      'key-taken',
      'too-many-relays',
      'runtime-failed',
      'node-too-old',
      'node-offline',
      'runtime-not-ready',
      'node-silent',
    ],
  },
  {
    id: 'readAction',
    method: 'GET',
    path: '/actions/:id',
    tag: 'Actions',
    by: 'admin',
    summary: 'What became of an action',
    answers: { 200: json('The action', ActionSchema) },
    problems: ['unknown-action'],
  },
  {
    id: 'cancelAction',
    method: 'DELETE',
    path: '/actions/:id',
    tag: 'Actions',
    by: 'admin',
    summary: 'Cancel an action, also in the engine',
    answers: { 200: json('The action as it is then', ActionSchema) },
    problems: ['unknown-action'],
  },
  {
    id: 'subscribe',
    method: 'GET',
    path: '/events',
    tag: 'Events',
    by: 'admin',
    summary: 'What happens in the fleet, as it happens',
    details: `Server-sent events; with \`Upgrade: websocket\` (subprotocol \`${EVENTS_PROTOCOL}\`, or none) the same as WebSocket messages. Kinds and payloads are in [asyncapi.json](asyncapi.json).`,
    query: EventsQuerySchema,
    headers: ['Last-Event-ID'],
    answers: {
      101: { what: 'A WebSocket' },
      200: { what: 'The stream', type: 'text/event-stream', schema: v.string() },
    },
    problems: ['upgrade-required', 'too-many-subscribers'],
  },
  {
    id: 'readAudit',
    method: 'GET',
    path: '/audit',
    tag: 'Administration',
    by: 'admin',
    summary: 'Who asked for what, newest first',
    query: AuditQuerySchema,
    answers: { 200: json('A page of entries', AuditSchema) },
    problems: [],
  },
  {
    id: 'listAlerts',
    method: 'GET',
    path: '/alerts',
    tag: 'Alerts',
    by: 'admin',
    summary: 'All alerts, what they have told as open, and how their messages fare',
    answers: { 200: json('In the order of their ids', AlertsSchema) },
    problems: [],
  },
  {
    id: 'readAlert',
    method: 'GET',
    path: '/alerts/:id',
    tag: 'Alerts',
    by: 'admin',
    summary: 'One alert',
    answers: { 200: json('The alert, without its secrets', AlertSchema) },
    problems: ['unknown-alert'],
  },
  {
    id: 'setAlert',
    method: 'PUT',
    path: '/alerts/:id',
    tag: 'Alerts',
    by: 'admin',
    summary: 'Set an alert',
    details:
      'What is left out is the default again, but for `url` and `secret`, which are kept: they cannot be read back. The `url` must be public and under TLS.',
    body: body(AlertRequestSchema, { isRequired: true }),
    answers: {
      200: json('The alert was there', AlertSchema),
      201: json('The alert is new', AlertSchema),
    },
    problems: ['alert-unusable', 'too-many-alerts'],
  },
  {
    id: 'removeAlert',
    method: 'DELETE',
    path: '/alerts/:id',
    tag: 'Alerts',
    by: 'admin',
    summary: 'Remove an alert',
    details: 'It tells nothing more, not even the end of what it has told.',
    answers: { 204: { what: 'It is gone' } },
    problems: ['unknown-alert'],
  },
  {
    id: 'testAlert',
    method: 'POST',
    path: '/alerts/:id/test',
    tag: 'Alerts',
    by: 'admin',
    summary: 'Send a test to the receiver',
    details: 'Answered with what the receiver said, after 10 s at the latest.',
    answers: { 200: json('The receiver took it', AlertTestedSchema) },
    problems: ['unknown-alert', 'alert-failed'],
  },
  {
    id: 'makeJoinToken',
    method: 'POST',
    path: '/join-tokens',
    tag: 'Administration',
    by: 'admin',
    summary: 'Make a join token for new hosts',
    details: 'It is shown once; the hub keeps its hash. By default it is good once, for an hour.',
    body: body(JoinTokenRequestSchema),
    answers: { 201: json('The token', JoinTokenResponseSchema) },
    problems: [],
  },
  {
    id: 'removeNode',
    method: 'DELETE',
    path: '/nodes/:node',
    tag: 'Administration',
    by: 'admin',
    summary: 'Take a node out of the registry',
    details: 'Its socket is closed; its snapshot and its token are gone.',
    answers: { 204: { what: 'It is out' } },
    problems: ['unknown-node'],
  },
  {
    id: 'rotateNodeToken',
    method: 'POST',
    path: '/nodes/:node/token/rotate',
    tag: 'Administration',
    by: 'admin',
    summary: 'Give a node another token',
    details: 'The one that it has works for the overlap, by default 600 s.',
    body: body(TokenRotateRequestSchema),
    answers: { 200: json('The new token', TokenRotateResponseSchema) },
    problems: ['unknown-node'],
  },
  {
    id: 'enrolNode',
    method: 'POST',
    path: '/nodes/enroll',
    tag: 'Nodes',
    by: 'join-token',
    summary: 'Enrol a new host',
    body: body(EnrollRequestSchema, { isRequired: true }),
    answers: {
      201: json('What the host keeps: its token, and the key of its commands', EnrollResponseSchema),
    },
    problems: ['join-token-invalid', 'node-exists'],
  },
  {
    id: 'reportHealth',
    method: 'POST',
    path: '/nodes/:node/health',
    tag: 'Nodes',
    by: 'node',
    summary: 'Report a snapshot without a socket',
    body: body(SnapshotSchema, { isRequired: true }),
    answers: { 200: json('When to come again, and the commands that wait', HealthResponseSchema) },
    problems: ['node-mismatch'],
  },
  {
    id: 'reportCommand',
    method: 'POST',
    path: '/nodes/:node/commands/:id',
    tag: 'Nodes',
    by: 'node',
    summary: 'Tell what became of a command, without a socket',
    body: body(CommandProgressSchema, { isRequired: true }),
    answers: { 204: { what: 'Noted' } },
    problems: ['unknown-job'],
  },
  {
    id: 'uploadAnswer',
    method: 'POST',
    path: '/nodes/:node/relays/:stream',
    tag: 'Nodes',
    by: 'node',
    summary: 'Upload a part of a relayed answer',
    details:
      'The body is read once the node says `relay.moved` on its uplink, after the hub said `relay.upload`, and passed on as it comes.',
    answers: { 204: { what: 'The part was passed on, or nobody waits for it any more' } },
    problems: ['unknown-relay'],
  },
  {
    id: 'openUplink',
    method: 'GET',
    path: '/nodes/:node/uplink',
    tag: 'Nodes',
    by: 'node',
    summary: 'The WebSocket of a node',
    details: `Subprotocol \`${UPLINK_PROTOCOL}\`: snapshots and the ends of commands go up, commands come down.`,
    answers: { 101: { what: 'The uplink' } },
    problems: ['upgrade-required'],
  },
  {
    id: 'beginSession',
    method: 'POST',
    path: '/session',
    tag: 'Session',
    by: 'anybody',
    summary: 'Sign in with an admin token, or renew the session',
    details:
      'A browser gets a cookie that scripts cannot read, and acts under it from the page of the hub alone. Without a `token` the session that the cookie names is renewed.',
    body: body(SessionRequestSchema),
    answers: { 200: json('Who asks, and until when', SessionSchema) },
    problems: ['unauthorized', 'forbidden'],
  },
  {
    id: 'readSession',
    method: 'GET',
    path: '/session',
    tag: 'Session',
    by: 'admin',
    summary: 'Who asks, and until when',
    answers: { 200: json('Who asks', SessionSchema) },
    problems: [],
  },
  {
    id: 'endSession',
    method: 'DELETE',
    path: '/session',
    tag: 'Session',
    by: 'anybody',
    summary: 'Sign out',
    answers: { 204: { what: 'The cookie is taken back' } },
    problems: ['forbidden'],
  },
  {
    id: 'checkHealth',
    method: 'GET',
    path: '/healthz',
    tag: 'Hub',
    by: 'anybody',
    summary: 'Does the hub answer?',
    answers: { 200: { what: '`ok`', type: 'text/plain', schema: v.literal('ok') } },
    problems: [],
  },
  {
    id: 'readAbout',
    method: 'GET',
    path: '/about',
    tag: 'Hub',
    by: 'anybody',
    summary: 'Name, version and protocol of the hub',
    answers: {
      200: json(
        'About the hub',
        v.object({ name: v.string(), version: v.string(), protocol: v.literal(UPLINK_PROTOCOL) }),
      ),
    },
    problems: [],
  },
  {
    id: 'readOpenApi',
    method: 'GET',
    path: '/openapi.json',
    tag: 'Hub',
    by: 'anybody',
    summary: 'This description, as OpenAPI',
    answers: { 200: json('The document', v.record(v.string(), v.unknown())) },
    problems: [],
  },
  {
    id: 'readAsyncApi',
    method: 'GET',
    path: '/asyncapi.json',
    tag: 'Hub',
    by: 'anybody',
    summary: 'The kinds of events, as AsyncAPI',
    answers: { 200: json('The document', v.record(v.string(), v.unknown())) },
    problems: [],
  },
  {
    id: 'readDocs',
    method: 'GET',
    path: '/docs',
    tag: 'Hub',
    by: 'anybody',
    summary: 'Both as a page',
    answers: { 200: { what: 'The page', type: 'text/html', schema: v.string() } },
    problems: [],
  },
];

/** What a segment of a path means, by the name of its parameter and the beginning of the path. */
export function pathParameter(route: Route, name: string): { about: string; schema: v.GenericSchema } {
  if (name === 'node') return { about: 'A node', schema: NodeIdSchema };
  if (route.path.startsWith('/orchestrator/runtimes/')) {
    return {
      about: '`<node>/<runtime>`, URL-encoded, or the id of the runtime alone where one node has it',
      schema: v.string(),
    };
  }
  const what = route.path.startsWith('/actions/') ? 'an action' : route.by === 'node' ? 'a command' : 'a job';
  return { about: `The id of ${what}`, schema: v.string() };
}

export const QUERY_PARAMETERS: Readonly<Record<string, string>> = {
  node: 'Only this node',
  runtime: 'Only this runtime',
  model: 'Only what has this model',
  accelerator: 'Only what runs on this kind of accelerator',
  hardware: 'Only this hardware: as in the cell, or its kind alone, as `GPU (CUDA)`',
  sandbox: 'Only what runs in this sandbox',
  state: 'Only what is in this state',
  stale: 'Only nodes that are silent, or only those that are not',
  view: '`summary` leaves out `runtimes` and `accelerators`',
  limit: 'At most so many on a page',
  cursor: 'The `next_cursor` of the page before',
  action: 'Only this action',
  forced: 'Only what was forced, or only what was not',
  tail: 'So many of the last lines, 0 to 1000',
  follow: '1 to go on with the lines that are written from now on',
  prefix: 'Only kinds that begin like one of these: `runtime.state.,node.`',
  replay: 'The last so many that fit `prefix` first, 0 to 1000',
  after: 'Everything after the event with this id first; 0 for all that the log has',
};
