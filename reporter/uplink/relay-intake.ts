// Owns the relayed exchanges of this host: which openings are taken, and to whom each record of the socket belongs. They
// are as live as the socket: with it they end, and nothing of them is journalled.

import type { NodeFrame } from '../../contract/frames.ts';
import { readRecords, type RelayRecord } from '../../contract/relay-records.ts';
import { RELAYS_PER_NODE, type RelayOpen } from '../../contract/relay.ts';
import { spokenLine } from '../../contract/status.ts';
import { messageOf } from '../errors.ts';
import type { OpenDoor } from '../gateway/inner-door.ts';
import type { Log } from '../log.ts';
import { UPLOAD_PACE, type UploadPace } from './answer-way.ts';
import { RelayExchange, type RelayFault } from './relay-exchange.ts';
import { RelayOutbox, type RelayWay } from './relay-outbox.ts';
import type { OpenUpload } from './relay-upload.ts';
import { RelayUploads } from './relay-uploads.ts';
import { isOpeningSigned } from './signature.ts';

export type RelayIntakeOptions = {
  node: string;
  commandKey: string;
  /** The door of the gateway on this host, loaded when it is first needed. */
  door: () => Promise<OpenDoor>;
  way: RelayWay;
  openUpload: OpenUpload;
  /** What differs from `UPLOAD_PACE`. */
  pace?: Partial<UploadPace>;
  send: (frame: NodeFrame) => void;
  log: Log;
  hubNowMs: () => number;
};

const ENDING: RelayFault = {
  reason: 'node-ends',
  message: 'The reporter of this node ends; ask again when it is back',
};

/** What came of an exchange's body before its door was there. */
type Opening = { kind: 'opening'; records: RelayRecord[] };

export class RelayIntake {
  readonly #options: RelayIntakeOptions;
  readonly #outbox: RelayOutbox;
  readonly #uploads: RelayUploads;
  readonly #exchanges = new Map<number, Opening | RelayExchange>();
  /** Until when each opening that came would be valid again, by its id: none is taken twice. */
  readonly #seen = new Map<string, number>();
  /** Whatever was valid until then may have been forgotten. The hub's clock is not signed: who forges it, turns it back. */
  #forgottenMs = 0;
  #isEnding = false;

  constructor(options: RelayIntakeOptions) {
    this.#options = options;
    this.#outbox = new RelayOutbox(options.way);
    this.#uploads = new RelayUploads(options.openUpload, options.log);
  }

  async open(open: RelayOpen): Promise<void> {
    const refusal = this.#judge(open);
    if (refusal !== undefined) return this.#refuse(open.stream, refusal);
    const opening: Opening = { kind: 'opening', records: [] };
    this.#exchanges.set(open.stream, opening);
    try {
      const { connect, apiKey } = await this.#options.door();
      // It may have been cancelled meanwhile.
      if (this.#exchanges.get(open.stream) !== opening) return;
      const exchange = new RelayExchange({
        open,
        door: connect(),
        apiKey,
        outbox: this.#outbox,
        uploads: this.#uploads,
        pace: { ...UPLOAD_PACE, ...this.#options.pace },
        send: this.#options.send,
        onOver: () => this.#exchanges.delete(open.stream),
      });
      this.#exchanges.set(open.stream, exchange);
      for (const record of opening.records) give(exchange, record);
    } catch (error) {
      if (this.#exchanges.get(open.stream) !== opening) return;
      this.#exchanges.delete(open.stream);
      this.#refuse(open.stream, { reason: 'not-a-request', message: messageOf(error) });
    }
  }

  cancel(stream: number): void {
    const exchange = this.#exchanges.get(stream);
    this.#exchanges.delete(stream);
    if (exchange instanceof RelayExchange) exchange.cancel();
  }

  /** The hub has an upload of this answer in its hands. */
  uploadTaken(stream: number): void {
    const exchange = this.#exchanges.get(stream);
    if (exchange instanceof RelayExchange) exchange.uploadTaken();
  }

  /** A binary message of the hub. */
  bytes(message: Uint8Array): void {
    const records = readRecords(message);
    if (records === undefined)
      this.#options.log.error('The hub sent a binary message that is none; upgrade one side');
    for (const record of records ?? []) {
      if (record.kind === 'probe') this.#outbox.say({ kind: 'alive' });
      else if (record.kind !== 'alive') this.#route(record);
    }
  }

  /** The socket is gone: nobody can be answered any more, and engines must not go on for nobody. */
  gone(): void {
    for (const stream of this.#exchanges.keys()) this.cancel(stream);
    this.#outbox.clear();
    this.#uploads.newWay();
  }

  /** The reporter ends: whoever waits is told why, instead of finding a closed socket. */
  stop(): void {
    this.#isEnding = true;
    for (const [stream, exchange] of this.#exchanges) {
      this.#exchanges.delete(stream);
      if (exchange instanceof RelayExchange) exchange.breakOff(ENDING);
      else this.#refuse(stream, ENDING);
    }
  }

  #route(record: Extract<RelayRecord, { stream: number }>): void {
    const exchange = this.#exchanges.get(record.stream);
    if (exchange instanceof RelayExchange) give(exchange, record);
    else exchange?.records.push(record);
  }

  #judge(open: RelayOpen): RelayFault | undefined {
    const { node, commandKey, hubNowMs, log } = this.#options;
    if (!isOpeningSigned(open, node, commandKey)) {
      const message = 'The request is not signed by the hub that enrolled this node';
      log.error(`relay ${open.id}: ${message}`);
      return { reason: 'bad-signature', message };
    }
    const expiresMs = Date.parse(open.expires_at);
    if (expiresMs <= hubNowMs()) {
      return { reason: 'expired', message: `The request expired at ${open.expires_at}` };
    }
    if (this.#isRepeat(open.id, expiresMs)) {
      return { reason: 'repeated', message: `The request ${open.id} came before` };
    }
    if (this.#isEnding) return ENDING;
    if (this.#exchanges.has(open.stream)) {
      return { reason: 'stream-taken', message: `Stream ${open.stream} is under way already` };
    }
    if (this.#exchanges.size >= RELAYS_PER_NODE) {
      return { reason: 'too-many-relays', message: `At most ${RELAYS_PER_NODE} requests pass at a time` };
    }
    return undefined;
  }

  #isRepeat(id: string, expiresMs: number): boolean {
    const nowMs = this.#options.hubNowMs();
    // They came in the order in which they expire; where the hub's clock was set, some stay for longer.
    for (const [old, untilMs] of this.#seen) {
      if (untilMs > nowMs) break;
      this.#seen.delete(old);
      this.#forgottenMs = Math.max(this.#forgottenMs, untilMs);
    }
    const isRepeat = this.#seen.has(id) || expiresMs <= this.#forgottenMs;
    this.#seen.set(id, expiresMs);
    return isRepeat;
  }

  #refuse(stream: number, { reason, message }: RelayFault): void {
    const error = { reason, message: spokenLine(message) };
    this.#options.send({ type: 'relay.end', stream, ok: false, error });
  }
}

function give(exchange: RelayExchange, record: RelayRecord): void {
  if (record.kind === 'chunk') exchange.body(record.payload, record.isLast);
  else if (record.kind === 'credit') exchange.granted(record.bytes);
}
