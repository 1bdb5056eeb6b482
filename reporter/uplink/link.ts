// Owns the uplink: which way to the hub is open now, when to try again, and what goes out at once.

import type { Command, CommandCancel } from '../../contract/command.ts';
import { CLOSE_REPLACED, type NodeFrame } from '../../contract/frames.ts';
import { RELAY_FEATURE } from '../../contract/relay.ts';
import { fullJitterMs } from '../backoff.ts';
import type { Log } from '../log.ts';
import type { UplinkState } from '../local/local-status.ts';
import { Nudge } from '../nudge.ts';
import type { Progress } from './command-intake.ts';
import type { HubFault } from './hub-http.ts';
import { PostSession } from './post-session.ts';
import { SocketSession, type RelayEars, type SessionEnd } from './socket-session.ts';
import { boundedIntervalMs, UPLINK_TIMING, type UplinkTiming } from './timing.ts';

/** Changes that come together go out together. */
const COALESCE_MS = 10;

export type UplinkOptions = {
  hub: URL;
  node: string;
  token: string;
  bootId: string;
  version: string;
  log: Log;
  /** The next snapshot as JSON, with its own `seq`; `intervalMs` is the cadence that the hub asks for. */
  snapshot: (intervalMs: number) => string;
  onCommand: (command: Command) => void;
  /** A command that may not begin, or a log that nobody reads any more. */
  onCancel: (cancel: CommandCancel) => void;
  /** Where relayed requests go; without it none is taken. */
  relay?: RelayEars;
  /** Once, when the hub has accepted the first snapshot. */
  onFirstAccepted: () => void;
  /** What differs from `UPLINK_TIMING`. */
  timing?: Partial<UplinkTiming>;
};

export class Uplink {
  readonly #options: UplinkOptions;
  readonly #timing: UplinkTiming;
  readonly #ended = new AbortController();
  #session: SocketSession | PostSession | undefined;
  #intervalMs: number;
  #hubAheadMs = 0;
  #accepted = false;
  #acceptedAtMs: number | undefined;
  #way: 'websocket' | 'post' | undefined;
  /** When `#way` last changed. */
  #sinceMs = Date.now();
  #fault: string | undefined;
  #told = '';
  #flush: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #ending = false;

  constructor(options: UplinkOptions, intervalMs: number) {
    this.#options = options;
    this.#timing = { ...UPLINK_TIMING, ...options.timing };
    this.#intervalMs = intervalMs;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** How the hub hears us now, for who asks on this host. */
  state(): UplinkState {
    const lastMs = this.#acceptedAtMs;
    return {
      hub: this.#options.hub.href,
      state: this.#way === undefined ? 'trying' : 'connected',
      since: new Date(this.#sinceMs).toISOString(),
      ...(this.#way !== undefined && { way: this.#way }),
      ...(lastMs !== undefined && { last_accepted_at: new Date(lastMs).toISOString() }),
      ...(this.#way === undefined && this.#fault !== undefined && { reason: this.#fault }),
    };
  }

  /** The hub's clock as last heard, in ms. */
  hubNowMs(): number {
    return Date.now() + this.#hubAheadMs;
  }

  /** Sends a snapshot now: something changed that must not wait for the interval. */
  publishSoon(): void {
    this.#flush ??= setTimeout(() => this.publishNow(), COALESCE_MS);
  }

  publishNow(): void {
    clearTimeout(this.#flush);
    this.#flush = undefined;
    if (this.#session instanceof SocketSession) this.#session.beat(this.#intervalMs);
    else this.#session?.beat();
  }

  /** Tells the hub how a command fares, on whatever way is open; on none, the hub will ask again. */
  report(progress: Progress): void {
    const session = this.#session;
    if (session instanceof PostSession) return void session.report(progress);
    if (progress.kind === 'received')
      return void session?.send({ type: 'command.received', id: progress.id });
    session?.send({ type: 'command.done', id: progress.id, ...progress.outcome });
  }

  /** Whether something live may go out now. It needs the socket: a POST has no way for it. */
  room(): 'open' | 'full' | 'closed' {
    return this.#session instanceof SocketSession ? this.#session.room() : 'closed';
  }

  /** Sends something live; where there is no socket it is lost, and whoever asked has been told by the hub. */
  sendLive(frame: NodeFrame): void {
    if (this.#session instanceof SocketSession) this.#session.send(frame);
  }

  /** Sends a binary message over the socket; false where there is none. `onFlushed` is called once it has left. */
  sendBytes(bytes: Uint8Array, onFlushed: () => void): boolean {
    return this.#session instanceof SocketSession && this.#session.sendBytes(bytes, onFlushed);
  }

  /** What was handed to the socket and has not left. */
  bufferedBytes(): number {
    return this.#session instanceof SocketSession ? this.#session.bufferedBytes : 0;
  }

  /** Ends in good order: a last snapshot on the way that is open, where it still can be sent in time. */
  async stop(): Promise<void> {
    this.#ending = true;
    clearTimeout(this.#flush);
    const limit = setTimeout(() => this.#ended.abort(), this.#timing.lastWordsWithinMs);
    if (this.#session instanceof SocketSession) {
      this.#session.beat(this.#intervalMs);
      this.#session.close();
    } else if (this.#session === undefined) {
      this.#ended.abort();
    } else {
      this.#session.finish();
    }
    await this.#running;
    clearTimeout(limit);
    this.#ended.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    const pause = new Nudge();
    let attempt = 0;
    while (!signal.aborted) {
      const socket = await this.#bySocket(signal);
      if (this.#ending) return;
      // A hub that welcomes and then refuses, or a twin that takes this node's place, must not be asked in a rush.
      if (socket.accepted && socket.closeCode !== CLOSE_REPLACED) attempt = 0;
      // Refused by something on the way, or cut before the welcome: perhaps a plain request passes. Not where nobody
      // listens: a hub that comes up in between would be reported to by POST, though WebSockets pass.
      const byPost = socket.welcomed || !socket.reached ? undefined : await this.#byPost(signal);
      if (this.#ending) return;
      if (byPost?.accepted === true) attempt = 0;
      const fault = byPost?.fault ?? (byPost === undefined ? socket.fault : undefined);
      if (fault === undefined) continue;
      attempt += 1;
      this.#fault = fault.message;
      const delayMs = fullJitterMs(this.#timing.reconnect, attempt, Math.random());
      this.#tell(`${fault.message}; ${remedyFor(fault)}`);
      await pause.wait(delayMs, signal);
    }
  }

  async #bySocket(signal: AbortSignal): Promise<SessionEnd> {
    const { hub, node, token, bootId, version, log, relay } = this.#options;
    const features = relay === undefined ? {} : { features: [RELAY_FEATURE] };
    const url = new URL(`nodes/${node}/uplink`, hub);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const session = new SocketSession({
      url,
      token,
      hello: { type: 'hello', node, boot_id: bootId, reporter: { version }, ...features },
      healthFrame: (ack) =>
        `{"type":"health",${ack ? '"ack":true,' : ''}"snapshot":${this.#options.snapshot(this.#intervalMs)}}`,
      onWelcome: (welcome) => {
        this.#goBy('websocket');
        this.#onPace(welcome.interval_ms, welcome.server_time, 'by WebSocket');
      },
      onAccepted: () => this.#onAccepted(),
      onCommand: this.#options.onCommand,
      onCancel: this.#options.onCancel,
      relay,
      onReject: (title, detail) => log.error(`The hub rejected a frame: ${title}. ${detail}`),
      timing: this.#timing,
      signal,
    });
    this.#session = session;
    const end = await session.ended;
    this.#session = undefined;
    relay?.gone();
    if (this.#way === 'websocket') this.#goBy(undefined);
    return end;
  }

  async #byPost(signal: AbortSignal): Promise<{ accepted: boolean; fault: HubFault | undefined }> {
    const { hub, node, token, log } = this.#options;
    const session = new PostSession({
      hub,
      node,
      token,
      snapshot: () => this.#options.snapshot(this.#intervalMs),
      onAccepted: (answer) => {
        this.#goBy('post');
        this.#onPace(answer.interval_ms, answer.server_time, 'by POST, since WebSockets do not pass');
        this.#onAccepted();
      },
      onCommand: this.#options.onCommand,
      onCancel: this.#options.onCancel,
      onProgressLost: (fault) => log.warn(`${fault.message} (the hub will send the command again)`),
      signal,
    });
    this.#session = session;
    const end = await session.run(Date.now() + this.#timing.socketRetryMs);
    this.#session = undefined;
    // Without a fault it only makes room for another try by WebSocket.
    if (end.fault !== undefined) this.#goBy(undefined);
    return end;
  }

  #onPace(intervalMs: number, serverTime: string, way: string): void {
    this.#intervalMs = boundedIntervalMs(intervalMs);
    this.#hubAheadMs = Date.parse(serverTime) - Date.now();
    this.#tell(`reporting to ${this.#options.hub.origin} ${way}, every ${intervalMs / 1000} s`);
  }

  #onAccepted(): void {
    if (!this.#accepted) this.#options.onFirstAccepted();
    this.#accepted = true;
    this.#acceptedAtMs = Date.now();
  }

  #goBy(way: 'websocket' | 'post' | undefined): void {
    if (way !== this.#way) this.#sinceMs = Date.now();
    this.#way = way;
  }

  /** Says a thing once, however often it stays true. */
  #tell(message: string): void {
    if (message !== this.#told) this.#options.log.info(message);
    this.#told = message;
  }
}

function remedyFor(fault: HubFault): string {
  if (fault.kind === 'refused' && (fault.reason === 'unauthorized' || fault.reason === 'unknown-node')) {
    return 'this node is not enrolled there (any more): remove its credentials file and start it with ARW_JOIN_TOKEN';
  }
  return 'trying again; runtimes are supervised meanwhile';
}
