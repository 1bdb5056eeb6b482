// Owns what happens to one request at the gateway: who knocks, where it goes, what is answered and what is counted.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../log.ts';
import { messageOf } from '../errors.ts';
import { BODY_MAX_BYTES, isForm, readBodyStart, withModel, type BodyStart } from './body-start.ts';
import type { Relayed } from './exchange.ts';
import { refusalOf } from './guard.ts';
import type { HeldBytes, HeldShare } from './held-bytes.ts';
import { requestHeaders } from './headers.ts';
import { modelsBody } from './models-body.ts';
import { namedOnce } from './named-once.ts';
import { refuse, type Refusal } from './refusal.ts';
import { relay } from './relay.ts';
import type { Routable } from './routable.ts';
import { routeOf, ROUTES } from './routes.ts';
import { route, type Candidate } from './routing.ts';
import { notReady, unknownModel } from './turned-away.ts';
import type { Hit, Telemetry } from './telemetry.ts';
import { Upstream, type BodyLength } from './upstream.ts';

export type DoorOptions = {
  runtimes: () => readonly Routable[];
  telemetry: Telemetry;
  apiKey: string | undefined;
  log: Log;
  held: HeldBytes;
};

/** What a request came to; its route and the clock are added by who counts. */
type Came = { status?: number; isFailure?: boolean; firstByteMs?: number | undefined; isAnswer?: boolean };

const GONE: Came = {};

export class Door {
  readonly #options: DoorOptions;
  /** Requests under way, by runtime. */
  readonly #inflight = new Map<string, number>();

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  underWay(runtimeId: string): number {
    return this.#inflight.get(runtimeId) ?? 0;
  }

  /** @param expectsContinue the client waits for a word before it sends its body. */
  async take(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    const { telemetry, log } = this.#options;
    const startedMs = performance.now();
    const { name } = routeOf(request.url ?? '/');
    telemetry.begin();
    const held = this.#options.held.share();
    let came: Came;
    try {
      came = await this.#answer(request, response, held, expectsContinue);
    } catch (error) {
      // A bug of ours: it must cost one request, never the reporter and what it supervises.
      log.error(`gateway: ${name} failed: ${messageOf(error)}`);
      response.destroy();
      came = { isFailure: true };
    } finally {
      held.free();
    }
    const nowMs = performance.now();
    const hit: Hit = { route: name, isError: came.isFailure === true || (came.status ?? 0) >= 500 };
    if (came.isAnswer === true) hit.durationMs = nowMs - startedMs;
    if (came.firstByteMs !== undefined) hit.firstTokenMs = came.firstByteMs - startedMs;
    telemetry.end(hit, nowMs);
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    held: HeldShare,
    expectsContinue: boolean,
  ): Promise<Came> {
    const { host, origin, authorization } = request.headers;
    const say = (refusal: Refusal): Came => ({ status: refuse(response, refusal) });
    const refusal = refusalOf({ host, origin, authorization }, this.#options.apiKey);
    if (refusal) return say(refusal);
    const asked = routeOf(request.url ?? '/');
    if (asked.kind === 'other') {
      return say({ reason: 'not-found', detail: `This gateway serves ${ROUTES.join(', ')}` });
    }
    if (request.method !== asked.method) {
      const detail = `${asked.name} is asked with ${asked.method}`;
      return say({ reason: 'method-not-allowed', detail, headers: { allow: asked.method } });
    }
    if (asked.kind === 'models') return this.#tellModels(response);
    const start = await readBodyStart(request, held, () => {
      if (expectsContinue) response.writeContinue();
    });
    if (start.kind === 'gone') return GONE;
    if (start.kind === 'too-large') return say(TOO_LARGE);
    if (start.kind === 'no-room') return say(NO_ROOM);
    return this.#pass(request, response, start, say);
  }

  #tellModels(response: ServerResponse): Came {
    const body = Buffer.from(JSON.stringify(modelsBody(this.#options.runtimes())));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    return { status: 200 };
  }

  async #pass(
    request: IncomingMessage,
    response: ServerResponse,
    start: BodyStart,
    say: (refusal: Refusal) => Came,
  ): Promise<Came> {
    const name = start.finding.kind === 'found' ? start.finding.name : undefined;
    const routing = route(name, this.#options.runtimes(), this.#inflight);
    switch (routing.kind) {
      case 'unknown-model':
        return say(unknownModel(name ?? '', routing.closest));
      case 'model-required':
        return say({
          reason: 'model-required',
          detail: `Several runtimes serve here: name one in "model" (${routing.known.join(', ')})`,
        });
      case 'not-ready':
        return say(notReady(routing.runtimes));
      case 'candidates':
        break;
      default:
        return routing satisfies never;
    }
    const faults: string[] = [];
    for (const candidate of routing.candidates) {
      const { id } = candidate.runtime;
      // Trying the one before took a while, and a drain counts on nothing new.
      if (faults.length > 0 && !this.#accepts(id)) {
        faults.push(`${id}: takes no new work`);
        continue;
      }
      const relayed = await this.#relayTo(candidate, request, response, start);
      switch (relayed.kind) {
        case 'unreachable':
          faults.push(`${id}: ${relayed.reason}`);
          continue;
        case 'failed':
          return say({
            reason: 'runtime-failed',
            detail: `${id} did not answer: ${relayed.reason}; it may be asked again`,
          });
        case 'too-large':
          return say(TOO_LARGE);
        case 'named-twice':
          return say(NAMED_TWICE);
        case 'cut':
          this.#options.log.warn(`gateway: ${id} broke off an answer: ${relayed.reason}`);
          return { isFailure: true };
        case 'client-gone':
          return GONE;
        case 'answered': {
          const { status, isStream, firstByteMs } = relayed;
          return { status, isAnswer: status < 400, firstByteMs: isStream ? firstByteMs : undefined };
        }
        default:
          return relayed satisfies never;
      }
    }
    const detail = `Nothing could be sent (${faults.join('; ')}); ask again when a runtime is ready`;
    return say({ reason: 'runtime-not-ready', detail, headers: { 'retry-after': '5' } });
  }

  #accepts(runtimeId: string): boolean {
    return this.#options.runtimes().some(({ id, accepting }) => id === runtimeId && accepting);
  }

  async #relayTo(
    { runtime, model }: Candidate,
    request: IncomingMessage,
    response: ServerResponse,
    start: BodyStart,
  ): Promise<Relayed> {
    const { endpoint } = runtime;
    if (endpoint === undefined) return { kind: 'unreachable', reason: 'nothing may be sent there' };
    // Which model is asked for is what an operator allows there, and pays.
    const once = runtime.isElsewhere ? namedOnce(isForm(request)) : undefined;
    if (once?.(start.bytes) === false) return { kind: 'named-twice' };
    const bytes = model === undefined ? start.bytes : withModel(start, model);
    const headers = requestHeaders(request.rawHeaders, endpoint.headers);
    const announced = request.headers['content-length'];
    const length: BodyLength = start.ended
      ? { bytes: bytes.length }
      : announced === undefined
        ? 'chunked'
        : { bytes: Number(announced) + bytes.length - start.bytes.length };
    this.#count(runtime.id, 1);
    try {
      return await relay({
        request,
        response,
        upstream: new Upstream(endpoint, { path: request.url ?? '/', headers, length }),
        start: bytes,
        ended: start.ended,
        namedOnce: once,
        ownHeaders: ['x-arw-runtime', runtime.id],
      });
    } finally {
      this.#count(runtime.id, -1);
    }
  }

  #count(runtimeId: string, by: number): void {
    const count = (this.#inflight.get(runtimeId) ?? 0) + by;
    if (count > 0) this.#inflight.set(runtimeId, count);
    else this.#inflight.delete(runtimeId);
  }
}

const TOO_LARGE: Refusal = {
  reason: 'body-too-large',
  detail: `A body may have ${BODY_MAX_BYTES / (1024 * 1024)} MiB; send less`,
};

const NO_ROOM: Refusal = {
  reason: 'gateway-full',
  detail:
    'Too many large requests wait for their model to be named; ask again, with "model" at the start of the body',
  headers: { 'retry-after': '1' },
};

const NAMED_TWICE: Refusal = {
  reason: 'malformed-body',
  detail: 'The body names "model" more than once, and this one goes to a server elsewhere; name it once',
};
