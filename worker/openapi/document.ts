// Owns the OpenAPI document: the table of routes and the schemas of the contract, as OpenAPI 3.1 has them.

import type { JsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { problem, type ProblemReason } from '../../contract/problem.ts';
import {
  pathParameter,
  QUERY_PARAMETERS,
  ROUTES,
  TAGS,
  type Answer,
  type By,
  type HeaderName,
  type RequestHeader,
  type Route,
} from './routes.ts';
import { componentSchemas, jsonSchemaOf } from './schemas.ts';

export type Parameter = {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  description: string;
  schema: JsonSchema;
};
type Content = Record<string, { schema: JsonSchema }>;
export type ApiResponse = {
  description: string;
  headers?: Record<string, { description: string; schema: JsonSchema }>;
  content?: Content;
};
export type Operation = {
  operationId: string;
  tags: [keyof typeof TAGS];
  summary: string;
  description?: string;
  security: Record<string, never[]>[];
  parameters?: Parameter[];
  requestBody?: { required: boolean; description: string; content: Content };
  responses: Record<string, ApiResponse>;
};
export type OpenApi = {
  openapi: '3.1.1';
  info: Record<string, unknown>;
  servers: { url: string; description: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, unknown> };
};

const TEXT: JsonSchema = { type: 'string' };

const REQUEST_HEADERS: Record<RequestHeader, { about: string; schema: JsonSchema }> = {
  'Idempotency-Key': {
    about: 'Makes a repeat return what the first request made; 1-200 visible ASCII characters',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,200}$' },
  },
  'If-None-Match': {
    about: 'The entity tag of what is known already: `304` where it still holds',
    schema: TEXT,
  },
  'Last-Event-ID': { about: 'The same as `after`, and it counts more', schema: TEXT },
};

const ANSWER_HEADERS: Record<HeaderName, string> = {
  etag: 'The entity tag of this answer',
  location: 'Where the action is read',
  'idempotency-replayed': '`true` where an earlier request with this key was answered again',
  'x-arw-action': 'The id of the action',
  'x-arw-node': 'The node that answers',
  'x-arw-runtime': 'The runtime that answers',
};

const SECURITY: Record<By, Record<string, never[]>[]> = {
  anybody: [],
  'join-token': [],
  admin: [{ admin: [] }, { adminHeader: [] }],
  node: [{ node: [] }],
};

export function openApi(version: string): OpenApi {
  const paths: OpenApi['paths'] = {};
  for (const route of ROUTES)
    (paths[templateOf(route.path)] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Runtime Matrix',
      version,
      summary: 'See and steer local inference on many machines.',
      description:
        'JSON, snake_case, times RFC 3339 UTC. Failures are problem documents (RFC 9457) whose `detail` says what to do. A browser that has signed in with `POST /session` sends its cookie instead of an admin token. A member that is not described here may be there, since a node may be newer than its hub; a figure that is not known is left out and is never 0.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '.', description: 'This hub' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: componentSchemas('draft-2020-12'),
      securitySchemes: {
        admin: { type: 'http', scheme: 'bearer', description: 'An admin token' },
        adminHeader: { type: 'apiKey', in: 'header', name: 'X-ARW-Admin', description: 'An admin token' },
        node: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token that a node was given when it was enrolled; it speaks for that node alone',
        },
      },
    },
  };
}

/** `/nodes/:node` is `/nodes/{node}`. */
export function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

function operation(route: Route): Operation {
  const { id, tag, by, summary, body } = route;
  const also = route.alias && `Also under \`${templateOf(route.alias)}\`.`;
  const description = [route.details, also].filter((text) => text !== undefined).join(' ');
  const parameters = parametersOf(route);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== '' && { description }),
    security: SECURITY[by],
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: body.isRequired,
        description: `At most ${body.maxBytes} bytes`,
        content: { 'application/json': { schema: jsonSchemaOf(body.schema) } },
      },
    }),
    responses: { ...answersOf(route), ...problemsOf(route) },
  };
}

function parametersOf(route: Route): Parameter[] {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => {
    const { about, schema } = pathParameter(route, name);
    return parameter('path', name, about, jsonSchemaOf(schema));
  });
  const inQuery = Object.entries(route.query?.entries ?? {}).map(([name, schema]) => {
    const about = QUERY_PARAMETERS[name];
    if (about === undefined) throw new Error(`${route.path}: say in QUERY_PARAMETERS what "${name}" means`);
    return parameter('query', name, about, {
      ...jsonSchemaOf(withoutOptional(schema)),
      ...defaultOf(schema),
    });
  });
  const inHeader = (route.headers ?? []).map((name) => {
    const { about, schema } = REQUEST_HEADERS[name];
    return parameter('header', name, about, schema);
  });
  return [...inPath, ...inQuery, ...inHeader];
}

function parameter(place: Parameter['in'], name: string, about: string, schema: JsonSchema): Parameter {
  return { name, in: place, required: place === 'path', description: about, schema };
}

/** Every parameter may be left out, which is said beside the schema. */
function withoutOptional(schema: v.GenericSchema): v.GenericSchema {
  return schema.type === 'optional' && 'wrapped' in schema && isSchema(schema.wrapped)
    ? schema.wrapped
    : schema;
}

function defaultOf(schema: v.GenericSchema): JsonSchema {
  return 'default' in schema && typeof schema.default === 'string' ? { default: schema.default } : {};
}

function isSchema(value: unknown): value is v.GenericSchema {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'schema';
}

function answersOf({ answers }: Route): Record<string, ApiResponse> {
  return Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, response(answer)]));
}

function response({ what, type, schema, or, headers = [] }: Answer): ApiResponse {
  const told = headers.map((name) => [name, { description: ANSWER_HEADERS[name], schema: TEXT }] as const);
  return {
    description: what,
    ...(told.length > 0 && { headers: Object.fromEntries(told) }),
    ...(type && { content: { ...contentOf(type, schema), ...(or?.type && contentOf(or.type, or.schema)) } }),
  };
}

function contentOf(type: string, schema: v.GenericSchema | undefined): Content {
  return { [type]: { schema: schema === undefined ? TEXT : jsonSchemaOf(schema) } };
}

/** What may go wrong with the route, each reason once. */
export function problemReasons(route: Route): ProblemReason[] {
  const { by, query, body, headers = [] } = route;
  return [
    ...new Set<ProblemReason>([
      ...(by === 'admin' ? (['unauthorized', 'forbidden'] as const) : []),
      ...(by === 'node' ? (['unauthorized', 'forbidden', 'unknown-node'] as const) : []),
      ...(query || headers.length > 0 ? (['malformed-body'] as const) : []),
      ...(body ? (['malformed-body', 'body-too-large', 'unsupported-media-type'] as const) : []),
      ...route.problems,
      'internal',
    ]),
  ];
}

/** Reasons of one status are one response. */
function problemsOf(route: Route): Record<string, ApiResponse> {
  const byStatus = Map.groupBy(problemReasons(route), (reason) => problem(reason, '').status);
  const statuses = [...byStatus].toSorted(([a], [b]) => a - b);
  return Object.fromEntries(
    statuses.map(([status, reasons]) => {
      const types = reasons.map((reason) => problem(reason, '').type);
      const schema: JsonSchema = {
        allOf: [
          { $ref: '#/components/schemas/Problem' },
          { type: 'object', properties: { type: { enum: types } } },
        ],
      };
      const description = reasons.map((reason) => problem(reason, '').title).join('; or ');
      return [String(status), { description, content: { 'application/problem+json': { schema } } }];
    }),
  );
}
