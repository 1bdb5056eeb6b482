/**
 * Owns the stub's routes and what decides over them: loading, sleeping, and the faults that were ordered. Also
 * `/__stub`, which no engine has: how often each path was asked, so that a test can prove what was not.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorBody, modelsBody, propsBody, slotBody } from './bodies.ts';
import { Decoder } from './decoder.ts';
import { generate, parseGeneration, readBody, sendFault, sendJson } from './generation-route.ts';
import { readMetrics } from './metrics-text.ts';
import type { StubOptions } from './options.ts';

type Phase = 'loading' | 'ready' | 'hanging';

export class StubRoutes {
  phase: Phase = 'loading';
  private readonly options: StubOptions;
  private readonly log: (line: string) => void;
  private readonly decoder: Decoder;
  private readonly asked: Record<string, number> = {};
  private readonly startedAtSec = Math.floor(Date.now() / 1000);
  private isSleeping: boolean;
  private answers = 0;

  constructor(options: StubOptions, log: (line: string) => void) {
    this.options = options;
    this.log = log;
    this.decoder = new Decoder(options);
    this.isSleeping = options.startsAsleep;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').replace(/\?.*$/, '');
    if (path === '/__stub') {
      sendJson(response, 200, { asked: this.asked, is_sleeping: this.isSleeping, phase: this.phase });
      return;
    }
    this.asked[path] = (this.asked[path] ?? 0) + 1;
    if (this.phase === 'hanging') return;
    if (this.phase === 'loading') {
      sendJson(response, 503, errorBody(503, 'Loading model', 'unavailable_error'));
      return;
    }
    await this.route(`${request.method} ${path}`, request, response);
  }

  private async route(route: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { options, decoder } = this;
    switch (route) {
      case 'GET /health':
      case 'GET /v1/health':
        this.health(response);
        return;
      case 'GET /models':
      case 'GET /v1/models':
        sendJson(response, 200, modelsBody(options, this.startedAtSec));
        return;
      case 'GET /props':
        sendJson(response, 200, propsBody(options, this.isSleeping));
        return;
      case 'GET /slots':
        if (!options.servesSlots) return sendUnsupported(response, 'slots');
        this.wake();
        sendJson(
          response,
          200,
          decoder.slots.map((slot) => slotBody(slot, options)),
        );
        return;
      case 'GET /metrics':
        if (!options.servesMetrics) return sendUnsupported(response, 'metrics');
        response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4' }).end(readMetrics(decoder));
        return;
      case 'POST /v1/chat/completions':
        await this.generation(request, response, true);
        return;
      case 'POST /v1/completions':
      // The same text in the same wrapping; the real one's own path has a body of its own.
      case 'POST /completion':
        await this.generation(request, response, false);
        return;
      default:
        sendJson(response, 404, errorBody(404, 'File Not Found', 'not_found_error'));
    }
  }

  private health(response: ServerResponse): void {
    const { healthStatus, hangsAfterReady } = this.options;
    if (healthStatus === 200) sendJson(response, 200, { status: 'ok' });
    else
      sendJson(response, healthStatus, errorBody(healthStatus, 'ordered by --health-status', 'server_error'));
    if (hangsAfterReady) this.phase = 'hanging';
  }

  /** `/slots` and generations wake a sleeping model; `/health`, `/props`, `/models` and `/metrics` do not. */
  private wake(): void {
    if (this.isSleeping) this.log('I srv  handle_sleep: server is exiting sleeping state');
    this.isSleeping = false;
  }

  private async generation(
    request: IncomingMessage,
    response: ServerResponse,
    isChat: boolean,
  ): Promise<void> {
    const body = await readBody(request);
    const parsed = body === undefined ? { fault: 'the body is too large' } : parseGeneration(body, isChat);
    if ('fault' in parsed) return sendFault(response, parsed.fault);
    this.wake();
    if (this.options.ignoresGenerations) return;
    this.answers += 1;
    const answer = {
      id: `chatcmpl-stub-${this.answers}`,
      modelName: this.options.modelName,
      createdAtSec: Math.floor(Date.now() / 1000),
      request: parsed.request,
    };
    generate(this.decoder, parsed, answer, response);
  }
}

function sendUnsupported(response: ServerResponse, endpoint: string): void {
  const message = `This server does not support ${endpoint} endpoint. Start it with \`--${endpoint}\``;
  sendJson(response, 501, errorBody(501, message, 'not_supported_error'));
}
