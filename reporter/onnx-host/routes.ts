// Owns the HTTP of the ONNX host: paths, bounded bodies, counts, and problem documents for what cannot be answered.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { embeddingJson, inputsOf, readEmbeddingsRequest, vectorOf } from './embeddings.ts';
import type { Model } from './model.ts';
import { RequestProblem } from './problem.ts';
import { readInputs, writeTensor } from './tensors.ts';

const BODY_MAX_BYTES = 16 * 1024 * 1024;
const CAPACITY = 1;

type Answer = Record<string, unknown>;
type Route = { method: 'GET' | 'POST'; answer: (body: unknown) => Answer | Promise<Answer> };

export class HostRoutes {
  readonly #model: Model;
  readonly #name: string;
  readonly #routes: Readonly<Record<string, Route>>;
  /** Of inference; looking at the host is not counted. */
  #requests = 0;
  #errors = 0;

  constructor(model: Model, name: string) {
    this.#model = model;
    this.#name = name;
    this.#routes = {
      '/health': { method: 'GET', answer: () => this.#health() },
      '/stats': { method: 'GET', answer: () => this.#stats() },
      '/v1/models': { method: 'GET', answer: () => this.#models() },
      '/v1/embeddings': { method: 'POST', answer: (body) => this.#counted(() => this.#embeddings(body)) },
      '/infer': { method: 'POST', answer: (body) => this.#counted(() => this.#infer(body)) },
    };
  }

  /** Rejects only for a bug. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = await this.#answer(request);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    } catch (error) {
      if (!(error instanceof RequestProblem)) throw error;
      const headers = {
        'content-type': 'application/problem+json',
        ...(!request.complete && { connection: 'close' }),
      };
      response.writeHead(error.status, headers).end(JSON.stringify(error.document()));
    }
  }

  #answer(request: IncomingMessage): Answer | Promise<Answer> {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const route = Object.hasOwn(this.#routes, path) ? this.#routes[path] : undefined;
    if (route === undefined) {
      throw new RequestProblem('not-found', `Known are ${Object.keys(this.#routes).join(', ')}`);
    }
    if (request.method !== route.method) {
      throw new RequestProblem('method-not-allowed', `${path} takes ${route.method}`);
    }
    if (route.method === 'GET') return route.answer(undefined);
    return readJson(request).then((body) => route.answer(body));
  }

  #health(): Answer {
    this.#model.shape();
    return { status: 'ok' };
  }

  #stats(): Answer {
    const { inflight, queued } = this.#model;
    return { capacity: CAPACITY, inflight, queued, requests: this.#requests, errors: this.#errors };
  }

  #models(): Answer {
    const { inputs, outputs } = this.#model.shape();
    return {
      object: 'list',
      data: [{ id: this.#name, object: 'model', owned_by: 'local', inputs, outputs }],
    };
  }

  async #infer(body: unknown): Promise<Answer> {
    const outputs = await this.#model.run(readInputs(body));
    const entries = Object.entries(outputs).map(([name, tensor]) => [name, writeTensor(tensor)]);
    return { outputs: Object.fromEntries(entries) };
  }

  async #embeddings(body: unknown): Promise<Answer> {
    const { rows, model, encoding } = readEmbeddingsRequest(body);
    if (model !== undefined && model !== this.#name) {
      throw new RequestProblem('unknown-model', `This host serves ${this.#name}`);
    }
    const shape = this.#model.shape();
    const data: Answer[] = [];
    let tokens = 0;
    // One after the other: a request of many rows takes one place in the queue.
    for (const [index, row] of rows.entries()) {
      const outputs = await this.#model.run(inputsOf(row, shape));
      data.push({ object: 'embedding', index, embedding: embeddingJson(vectorOf(outputs), encoding) });
      if (typeof row !== 'string') tokens += row.length;
    }
    return {
      object: 'list',
      model: this.#name,
      data,
      // How many tokens a text has is known to its tokenizer alone.
      ...(tokens > 0 && { usage: { prompt_tokens: tokens, total_tokens: tokens } }),
    };
  }

  async #counted(work: () => Promise<Answer>): Promise<Answer> {
    this.#requests += 1;
    try {
      return await work();
    } catch (error) {
      // A request that is wrong says nothing of the runtime.
      if (!(error instanceof RequestProblem) || error.isOurs) this.#errors += 1;
      throw error;
    }
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const tooLarge = new RequestProblem(
    'body-too-large',
    `A body may have ${BODY_MAX_BYTES} bytes; send fewer values`,
  );
  if (Number(request.headers['content-length'] ?? 0) > BODY_MAX_BYTES) throw tooLarge;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > BODY_MAX_BYTES) throw tooLarge;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    // Whatever the parser says of it, the remedy is the same.
    throw new RequestProblem('malformed-body', 'The body is no JSON');
  }
}
