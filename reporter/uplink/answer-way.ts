// Owns by which way the bytes of one relayed answer leave: over the socket, where those of many streams share a message,
// and by uploads once the answer has flowed for a while and the hub has one in its hands. Where a proxy keeps a body until
// it is whole, or the hub knows no uploads, the socket it is. Order is kept: the hub is told where each upload begins.

import { RelayQueue, type RelayOutbox } from './relay-outbox.ts';
import type { Upload } from './relay-upload.ts';
import type { RelayUploads } from './relay-uploads.ts';

export type UploadPace = {
  /** Short answers are over by then. */
  afterMs: number;
  /** Answers that began together do not move together. */
  spreadMs: number;
  /** By then the hub has said that it has the upload, or it will not get it before its end. */
  takenWithinMs: number;
  /** Proxies have limits for bodies, 1 MiB often: what follows goes over the socket until the next upload. */
  maxBytes: number;
  /** They have limits for the time of a request as well, and ones that know of no stream give it a minute or two. */
  maxMs: number;
  /** They end a body that says nothing for a minute, too: an answer that pauses goes back to the socket. */
  idleMs: number;
};

export const UPLOAD_PACE: UploadPace = {
  afterMs: 250,
  spreadMs: 750,
  takenWithinMs: 5000,
  maxBytes: 512 * 1024,
  maxMs: 45_000,
  idleMs: 20_000,
};

export type AnswerWayOptions = {
  stream: number;
  outbox: RelayOutbox;
  uploads: RelayUploads;
  pace: UploadPace;
  /** What was pushed has gone: the source may go on. */
  onRoom: () => void;
  /** The hub is told: what follows is in the upload. */
  onMoved: () => void;
  /** The upload broke off after the move: what it had is lost. */
  onBroken: () => void;
};

export class AnswerWay {
  readonly #options: AnswerWayOptions;
  readonly #queue: RelayQueue;
  #upload: Upload | undefined;
  #hasMoved = false;
  #uploadedBytes = 0;
  #movedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  /** With what is pushed next begins the time after which it moves. */
  #mayMove = false;
  #isEnded = false;

  constructor(options: AnswerWayOptions) {
    this.#options = options;
    this.#queue = new RelayQueue(options.stream, options.onRoom);
  }

  /** The answer is one that may flow for long. */
  flows(): void {
    this.#mayMove = !this.#isEnded;
  }

  /** False where the source should pause; `onRoom` is called when it may go on. */
  push(bytes: Buffer): boolean {
    if (this.#upload !== undefined && this.#hasMoved) return this.#pass(this.#upload, bytes);
    if (this.#mayMove) {
      this.#mayMove = false;
      const { afterMs, spreadMs } = this.#options.pace;
      this.#later(afterMs + Math.random() * spreadMs, () => this.#offer());
    }
    return this.#queue.push(bytes);
  }

  /** The hub has the upload in its hands. */
  taken(): void {
    if (this.#upload === undefined || this.#hasMoved) return;
    this.#later(this.#options.pace.idleMs, () => this.#leave(() => this.flows()));
    this.#options.uploads.passed();
    this.#options.onMoved();
    this.#hasMoved = true;
    this.#uploadedBytes = 0;
    this.#movedMs = performance.now();
    // What was handed to the socket is before it, for the hub is told over the socket.
    const waiting = this.#queue.takeAll();
    if (waiting.length > 0) this.#pass(this.#upload, waiting);
  }

  granted(bytes: number): void {
    this.#queue.credit.grant(bytes);
    this.wake();
  }

  /** What was pushed is to go out. */
  wake(): void {
    if (!this.#hasMoved) this.#options.outbox.wake(this.#queue);
  }

  /** Nothing follows: `onDrained` is called once everything before it was sent. */
  end(onDrained: () => void): void {
    this.#isEnded = true;
    if (this.#hasMoved) {
      this.#leave();
      return onDrained();
    }
    // It would carry nothing.
    this.#giveUp();
    this.#queue.end(onDrained);
  }

  /** Nothing follows, and what waits for the socket is not waited for. */
  breakOff(): void {
    this.#isEnded = true;
    if (this.#hasMoved) this.#leave();
  }

  /** Nobody waits for anything any more. */
  drop(): void {
    this.#isEnded = true;
    this.#giveUp();
    this.#options.outbox.drop(this.#queue);
  }

  #offer(): void {
    const { stream, uploads, pace, onRoom, onBroken } = this.#options;
    this.#upload = uploads.begin(stream, {
      onRoom,
      onBroken: () => {
        const hadMoved = this.#hasMoved;
        this.#giveUp();
        if (hadMoved) onBroken();
        else uploads.failed();
      },
    });
    if (this.#upload === undefined) return;
    this.#later(pace.takenWithinMs, () => {
      this.#giveUp();
      uploads.failed();
    });
  }

  #giveUp(): void {
    clearTimeout(this.#timer);
    this.#upload?.drop();
    this.#upload = undefined;
    this.#hasMoved = false;
  }

  #pass(upload: Upload, bytes: Buffer): boolean {
    const hasRoom = upload.write(bytes);
    this.#uploadedBytes += bytes.length;
    this.#timer?.refresh();
    const { maxBytes, maxMs } = this.#options.pace;
    if (this.#uploadedBytes < maxBytes && performance.now() - this.#movedMs < maxMs) return hasRoom;
    this.#leave(() => this.flows());
    return true;
  }

  /** The upload ends in good order: what follows goes over the socket. */
  #leave(onRead = (): void => undefined): void {
    clearTimeout(this.#timer);
    this.#upload?.end(onRead);
    this.#upload = undefined;
    this.#hasMoved = false;
    // An upload that was ended says no more that it has room, and the socket has it: nothing waits for that.
    this.#options.onRoom();
  }

  #later(ms: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms);
  }
}
