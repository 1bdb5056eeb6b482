// Owns what a suite asks its hub: the matrix, actions, commands and the event log, as any client does.

import { setTimeout as sleep } from 'node:timers/promises';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import * as v from 'valibot';
import { EventSchema, type Event } from '../../contract/events.ts';
import { ProblemSchema } from '../../contract/problem.ts';
import { MatrixSchema } from '../../contract/read-models.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';

const LOOK_EVERY_MS = 100;

type Asked = { method?: 'GET' | 'POST'; body?: object; accept?: string };

export class SmokeHub {
  readonly #url: string;
  readonly #token: string;
  readonly #signal: AbortSignal;

  constructor(url: string, token: string, signal: AbortSignal) {
    this.#url = url;
    this.#token = token;
    this.#signal = signal;
  }

  /** @throws Error with the hub's own words where it refuses. */
  async ask(path: string, { method = 'GET', body, accept }: Asked = {}): Promise<Response> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        'content-type': 'application/json',
        ...(accept !== undefined && { accept }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: this.#signal,
    });
    if (response.ok) return response;
    const text = await response.text();
    const problem = v.safeParse(v.pipe(v.string(), v.parseJson(), ProblemSchema), text);
    const words = problem.success ? `${problem.output.title}: ${problem.output.detail ?? ''}` : text;
    throw new Error(`${method} ${path} was answered ${response.status} (${words.slice(0, 400)})`);
  }

  /** Asks again until the answer is as wanted. `look` throws where it never will be. */
  async until<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      await sleep(LOOK_EVERY_MS, undefined, { signal: this.#signal });
    }
  }

  /** One runtime as the matrix tells it; undefined while it is not there. */
  async runtime(node: string, id: string): Promise<RuntimeRecord | undefined> {
    const matrix = v.parse(MatrixSchema, await (await this.ask('/state/runtime_matrix')).json());
    return matrix.items[node]?.runtimes?.find(({ descriptor }) => descriptor.id === id);
  }

  /** The runtime once it is ready. @throws Error where it has failed, with what it says of that. */
  async readyRuntime(node: string, id: string): Promise<RuntimeRecord> {
    return this.until(async () => {
      const record = await this.runtime(node, id);
      if (record?.status.state === 'error') {
        throw new Error(`${id} has failed: ${record.status.summary} (${record.status.detail.join('; ')})`);
      }
      return record?.status.state === 'ready' ? record : undefined;
    });
  }

  /** Hands on the logged events of these kinds, oldest first and then as they come, until one is the last wanted. */
  async eventsUntil(prefix: string, isLast: (event: Event) => boolean): Promise<void> {
    const response = await this.ask(`/events?after=0&prefix=${prefix}`);
    const messages = response.body
      ?.pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const { id, data } of messages ?? []) {
      // Leaving the loop cancels the stream.
      if (isLast(v.parse(EventSchema, { ...(id !== undefined && { id }), ...Object(JSON.parse(data)) })))
        return;
    }
    throw new Error('the event stream ended before its last event');
  }
}
