// Owns the gateway's life: its listener on loopback, the port that may be taken, connections from within, and its end.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import type { HttpTelemetry } from '../../contract/snapshot.ts';
import { codeOf, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { Door } from './door.ts';
import { HeldBytes } from './held-bytes.ts';
import type { Routable } from './routable.ts';
import { refusalDocument } from './refusal.ts';
import type { GatewaySettings } from './settings.ts';
import { Telemetry } from './telemetry.ts';

const ADDRESS = '127.0.0.1';
const RETRY_LISTEN_MS = 15_000;
/** How long answers under way may take to end once the reporter ends; it must be gone within 10 s, its children too. */
const LAST_ANSWERS_MS = 2_000;
/** Longer than clients keep a connection: who closes first causes no failed request. */
const KEEP_ALIVE_MS = 75_000;
/** Each costs memory; a host's programs need a fraction. */
const CONNECTIONS_MAX = 1_024;

export type GatewayOptions = {
  settings: GatewaySettings;
  runtimes: () => readonly Routable[];
  onRequest?: () => void;
  log: Log;
  /** How much of the bodies under way may be held at once; tests hold less. */
  heldMaxBytes?: number;
  /** How long to wait for a port that is taken; tests do not wait as long. */
  retryListenMs?: number;
};

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #telemetry = new Telemetry();
  readonly #door: Door;
  readonly #server: Server;
  /** Whether it is to be reached by other programs of this host. */
  readonly #listens: boolean;
  #retry: NodeJS.Timeout | undefined;
  /** Why it does not listen; told in the snapshot until it does. */
  #fault: string | undefined;
  #ending = false;

  private constructor(options: GatewayOptions, listens: boolean) {
    this.#options = options;
    this.#listens = listens;
    const { runtimes, log, settings } = options;
    const held = new HeldBytes(options.heldMaxBytes);
    this.#door = new Door({ runtimes, telemetry: this.#telemetry, apiKey: settings.apiKey, log, held });
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true });
    this.#server.maxConnections = CONNECTIONS_MAX;
    const take = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
      options.onRequest?.();
      response.on('close', () => this.#afterAnswer());
      // A write that meets a connection just lost: its `close` says all there is to know.
      response.on('error', () => undefined);
      void this.#door.take(request, response, expectsContinue);
    };
    this.#server.on('request', take(false));
    this.#server.on('checkContinue', take(true));
    this.#server.on('clientError', refuseNoise);
    this.#server.on('error', (error) => this.#onListenError(error));
    this.#server.on('listening', () => this.#onListening());
  }

  /** Listens in the background: a port that is taken stops nobody. */
  static open(options: GatewayOptions): Gateway {
    const gateway = new Gateway(options, true);
    gateway.#listen();
    return gateway;
  }

  /** For requests from within alone, where the operator wants no port. */
  static closed(options: GatewayOptions): Gateway {
    return new Gateway(options, false);
  }

  /** A connection from within this process: what is asked on it is routed and counted as on the port. */
  connect(): Duplex {
    const [inside, outside] = duplexPair();
    // An end in order is seen by both sides; one that breaks is to break the other.
    inside.once('close', () => outside.destroy());
    outside.once('close', () => inside.destroy());
    inside.on('error', () => undefined);
    this.#server.emit('connection', inside);
    return outside;
  }

  /** Where it listens; undefined while it does not. */
  get url(): string | undefined {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? `http://${ADDRESS}:${address.port}` : undefined;
  }

  /** The snapshot's `http` block. */
  telemetry(): HttpTelemetry {
    return this.#telemetry.block(performance.now());
  }

  /** Requests under way at a runtime; undefined where clients do not come this way, because it does not listen. */
  underWay(runtimeId: string): number | undefined {
    return this.#listens && this.#fault === undefined ? this.#door.underWay(runtimeId) : undefined;
  }

  /** What an operator should be told of it, as lines. */
  notes(): string[] {
    return this.#fault === undefined ? [] : [this.#fault];
  }

  /** Takes nothing new, lets answers under way end for a while, and ends what is left. */
  async stop(): Promise<void> {
    this.#ending = true;
    clearTimeout(this.#retry);
    if (this.#server.listening) {
      const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
      // What was to be answered on them ends upstream with them.
      const limit = setTimeout(() => this.#server.closeAllConnections(), LAST_ANSWERS_MS);
      await closed;
      clearTimeout(limit);
    }
  }

  #listen(): void {
    this.#server.listen({ host: ADDRESS, port: this.#options.settings.port });
  }

  #onListening(): void {
    this.#fault = undefined;
    this.#options.log.info(`gateway: ${this.url}/v1 passes OpenAI requests on to the runtimes`);
  }

  #onListenError(error: Error): void {
    if (this.#ending) return;
    const { settings, log, retryListenMs = RETRY_LISTEN_MS } = this.#options;
    const what = codeOf(error) === 'EADDRINUSE' ? 'is taken' : `cannot be used (${messageOf(error)})`;
    const fault = `Gateway closed: port ${settings.port} ${what}; free it, or set gateway.port in the manifest`;
    // Once, however often it is tried.
    if (this.#fault !== fault) log.warn(`${fault}; tried again every ${retryListenMs / 1000} s`);
    this.#fault = fault;
    this.#retry = setTimeout(() => this.#listen(), retryListenMs);
  }

  /** A connection that was kept for the next request would keep us too. */
  #afterAnswer(): void {
    if (this.#ending) setImmediate(() => this.#server.closeIdleConnections());
  }
}

/** What is no HTTP is told so in HTTP; a client that went away is told nothing. */
function refuseNoise(error: Error, socket: Socket): void {
  if (codeOf(error) === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const detail = 'The request is not HTTP/1.1 as this gateway reads it; check what is sent';
  const body = JSON.stringify(refusalDocument({ reason: 'malformed-body', detail }));
  socket.end(
    'HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nConnection: close\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
