// Owns the AsyncAPI document: the kinds of events with the schema of each payload, as a subscriber of `/events` gets them.

import type { JsonSchema } from '@valibot/to-json-schema';
import {
  EVENT_KINDS,
  EVENTS_PROTOCOL,
  EventSchema,
  isLogged,
  payloadSchemaOf,
  type EVENT_PAYLOADS,
  type EventKind,
} from '../../contract/events.ts';
import { componentSchemas, jsonSchemaOf } from './schemas.ts';

type Made = keyof typeof EVENT_PAYLOADS;

/** When each of them comes. The type asks for a sentence as soon as a kind is made. */
const SUMMARIES: Record<Made, string> = {
  'runtime.health': "A node's snapshot; the latest of each node, at most four times a second",
  'runtime.state.changed': 'What a node says of a runtime is another state than before',
  'runtime.budget.exhausted': 'No restart is left in the window of a runtime',
  'runtime.budget.restored': 'One is left again, or its budget was switched off',
  'jobs.changed': "A command's job is in another state: each state once",
  'runtime.restore.requested': 'A restore was accepted',
  'runtime.restore.completed': 'A restore has ended, also one that failed, expired or was refused',
  'models.changed': 'Models of a node came, went, or are in another state',
  'node.online': 'A first word of a node, or the first one after `node.stale`',
  'node.stale': 'Nothing was heard of a node for its TTL; told once for each silence',
  'node.removed': 'A node is gone: removed by an operator, or silent for longer than the hub remembers',
  'actions.submitted': 'An action was accepted',
  'actions.running': 'An action is at its node',
  'actions.completed': 'An action has ended well',
  'actions.failed': 'An action has failed',
  'state.read.model.patch': "RFC 6902 operations on one shard's part of a read model",
  'stream.gap': 'Something is missing before this event: load again what you keep',
  'stream.end': 'The last event of the stream, and why it is the last one',
};

export type Message = {
  name: Made;
  title: string;
  summary: string;
  description: string;
  contentType: string;
  payload: JsonSchema;
};
export type AsyncApi = {
  asyncapi: '3.0.0';
  info: Record<string, unknown>;
  defaultContentType: string;
  channels: Record<string, unknown>;
  operations: Record<string, unknown>;
  components: { messages: Record<string, Message>; schemas: Record<string, JsonSchema> };
  /** Named, and not made by this hub yet. */
  'x-reserved-kinds': EventKind[];
};

export function asyncApi(version: string): AsyncApi {
  const made = EVENT_KINDS.filter(isMade);
  const messages = Object.fromEntries(made.map((kind) => [kind, message(kind)]));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Runtime Matrix: events',
      version,
      description:
        'What happens in the fleet, from `GET /events`: server-sent events, or with `Upgrade: websocket` the same as WebSocket messages. Over server-sent events `id` and `kind` are also the fields `id` and `event`, and the rest is `data`. How to resume is said in the HTTP API.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    channels: {
      events: {
        address: '/events',
        title: 'Events',
        description: `WebSocket subprotocol \`${EVENTS_PROTOCOL}\`, or none. A subscriber says \`ack <n>\` with the sum of the lengths of what it has dealt with, and \`ping\` once a minute.`,
        messages: Object.fromEntries(made.map((kind) => [kind, { $ref: `#/components/messages/${kind}` }])),
      },
    },
    operations: {
      tellEvents: {
        action: 'send',
        channel: { $ref: '#/channels/events' },
        summary: 'The hub tells what happens',
      },
    },
    components: { messages, schemas: componentSchemas('draft-07') },
    'x-reserved-kinds': EVENT_KINDS.filter((kind) => !isMade(kind)),
  };
}

function isMade(kind: EventKind): kind is Made {
  return payloadSchemaOf(kind) !== undefined;
}

/** The envelope, with the kind and its payload in their places. */
function message(kind: Made): Message {
  const { properties = {}, ...envelope } = jsonSchemaOf(EventSchema, 'draft-07');
  const payload = payloadSchemaOf(kind);
  if (payload === undefined) throw new Error(`no payload is known of ${kind}`);
  return {
    name: kind,
    title: kind,
    summary: SUMMARIES[kind],
    description: isLogged(kind)
      ? 'In the log: a stream that resumes is told it again.'
      : 'In no log: it is told live alone.',
    contentType: 'application/json',
    payload: {
      ...envelope,
      properties: { ...properties, kind: { const: kind }, payload: jsonSchemaOf(payload, 'draft-07') },
    },
  };
}
