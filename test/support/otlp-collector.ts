// Owns a collector of a test: it takes OTLP over HTTP, as protobuf or as JSON, and keeps what it decoded.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import * as v from 'valibot';
import { onTestFinished } from 'vitest';

const PROTO = fileURLToPath(new URL('../fixtures/otlp-metrics.proto', import.meta.url));

const AttributesSchema = v.pipe(
  v.optional(v.array(v.object({ key: v.string(), value: v.object({ stringValue: v.string() }) })), []),
  v.transform((pairs) => Object.fromEntries(pairs.map(({ key, value }) => [key, value.stringValue]))),
);
const PointSchema = v.object({
  attributes: AttributesSchema,
  asDouble: v.optional(v.number()),
  asInt: v.optional(v.pipe(v.union([v.string(), v.number()]), v.transform(Number))),
});
const RequestSchema = v.object({
  resourceMetrics: v.array(
    v.object({
      resource: v.object({ attributes: AttributesSchema }),
      scopeMetrics: v.array(
        v.object({
          metrics: v.array(
            v.object({
              name: v.string(),
              unit: v.string(),
              gauge: v.optional(v.object({ dataPoints: v.array(PointSchema) })),
              sum: v.optional(
                v.object({ dataPoints: v.array(PointSchema), isMonotonic: v.optional(v.boolean(), false) }),
              ),
            }),
          ),
        }),
      ),
    }),
  ),
});

export type Point = {
  name: string;
  unit: string;
  kind: 'gauge' | 'counter' | 'up-down-counter';
  value: number;
  attributes: Record<string, string>;
};
type Batch = {
  type: string;
  headers: IncomingMessage['headers'];
  resource: Record<string, string>;
  points: Point[];
};

export class OtlpCollector {
  readonly url: string;
  readonly batches: Batch[] = [];
  readonly faults: string[] = [];
  /** Requests, answered or not. */
  asked = 0;
  manner: 'polite' | 'refusing' | 'silent' = 'polite';
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
    server.on('request', (request, response) => {
      this.#take(request, response).catch((error: unknown) => {
        // One who ends in the middle of a request breaks no rule.
        if (request.complete) this.faults.push(String(error));
        response.destroy();
      });
    });
  }

  static async open(): Promise<OtlpCollector> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const collector = new OtlpCollector(server, address.port);
    onTestFinished(() => collector.close());
    return collector;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked += 1;
    if (this.manner === 'silent') return;
    if (this.manner === 'refusing') return void response.writeHead(403).end();
    if (request.method !== 'POST' || request.url !== '/v1/metrics')
      throw new Error(`${request.method} ${request.url}`);
    const type = request.headers['content-type'] ?? '';
    const decoded =
      type === 'application/json' ? JSON.parse(await text(request)) : await decode(await buffer(request));
    for (const { resource, scopeMetrics } of v.parse(RequestSchema, decoded).resourceMetrics) {
      const points = scopeMetrics.flatMap(({ metrics }) => metrics.flatMap(pointsOf));
      this.batches.push({ type, headers: request.headers, resource: resource.attributes, points });
    }
    response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : '');
  }
}

async function decode(bytes: Uint8Array): Promise<unknown> {
  const request = (await protobuf.load(PROTO)).lookupType('otlp.Request');
  return request.toObject(request.decode(bytes), { longs: Number, oneofs: false });
}

type Metric = v.InferOutput<typeof RequestSchema>['resourceMetrics'][0]['scopeMetrics'][0]['metrics'][0];

function pointsOf({ name, unit, gauge, sum }: Metric): Point[] {
  const kind = gauge ? 'gauge' : sum?.isMonotonic === true ? 'counter' : 'up-down-counter';
  return (
    (gauge ?? sum)?.dataPoints.map(({ attributes, asDouble, asInt }) => {
      const value = asDouble ?? asInt;
      if (value === undefined) throw new Error(`${name} has a point without a value`);
      return { name, unit, kind, value, attributes };
    }) ?? []
  );
}
