// Owns puts into etcd as its own clients make them: gRPC over HTTP/2. Node's HTTP/2 costs about as much as etcd itself,
// so the few frames that a put needs are written here; what else a server may send ends the bench.

import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

const FRAME_HEAD_BYTES = 9;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** What a receiver takes before it says more, at first. */
const FIRST_WINDOW_BYTES = 65_535;

type Put = { hasAnswer: boolean; resolve: () => void; reject: (error: Error) => void };

export class EtcdClient {
  readonly #socket: Socket;
  readonly #headers: Buffer;
  readonly #puts = new Map<number, Put>();
  #stream = 1;
  #window = FIRST_WINDOW_BYTES;
  #unsent: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#headers = headerBlock(host);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#fail(error));
    // Every answer fits into it: nothing more needs to be said of windows.
    const opened = Buffer.alloc(4);
    opened.writeUInt32BE(2 ** 31 - 1 - FIRST_WINDOW_BYTES);
    socket.write(
      Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS, 0, 0), frame(WINDOW_UPDATE, 0, 0, opened)]),
    );
  }

  static async open(url: string): Promise<EtcdClient> {
    const { hostname, port, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    await once(socket, 'connect');
    return new EtcdClient(socket, host);
  }

  /** Resolves once etcd has answered the put; that it did it is what only an answer with a message says. */
  put(key: string, value: string): Promise<void> {
    const stream = this.#stream;
    this.#stream += 2;
    const message = putRequest(key, value);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    const body = Buffer.concat([head, message]);
    // As for the hub, what is sent together is written together.
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      setImmediate(() => this.#socket.uncork());
    }
    return new Promise((resolve, reject) => {
      this.#puts.set(stream, { hasAnswer: false, resolve, reject });
      this.#socket.write(frame(HEADERS, END_HEADERS, stream, this.#headers));
      this.#unsent.push(frame(DATA, END_STREAM, stream, body));
      this.#send();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(): void {
    for (let next = this.#unsent[0]; next !== undefined; next = this.#unsent[0]) {
      const bytes = next.length - FRAME_HEAD_BYTES;
      if (bytes > this.#window) return;
      this.#window -= bytes;
      this.#socket.write(next);
      this.#unsent.shift();
    }
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + FRAME_HEAD_BYTES <= bytes.length) {
      const end = at + FRAME_HEAD_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const payload = bytes.subarray(at + FRAME_HEAD_BYTES, end);
      this.#frame(bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), bytes.readUInt32BE(at + 5), payload);
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    const put = this.#puts.get(stream);
    switch (type) {
      case DATA:
        if (put !== undefined && payload.length > 0) put.hasAnswer = true;
        return;
      case HEADERS:
        if ((flags & END_STREAM) === 0 || put === undefined) return;
        this.#puts.delete(stream);
        if (put.hasAnswer) put.resolve();
        else put.reject(new Error(`etcd refused a put: ${payload.toString('latin1')}`));
        return;
      case SETTINGS:
        if ((flags & ACK) === 0) this.#socket.write(frame(SETTINGS, ACK, 0));
        return;
      case PING:
        if ((flags & ACK) === 0) this.#socket.write(frame(PING, ACK, 0, payload));
        return;
      case WINDOW_UPDATE:
        if (stream === 0) this.#window += payload.readUInt32BE(0);
        this.#send();
        return;
      case RST_STREAM:
      case GOAWAY:
        return this.#fail(new Error(`etcd ended the connection: ${payload.toString('latin1')}`));
      default:
        return;
    }
  }

  #fail(error: Error): void {
    for (const { reject } of this.#puts.values()) reject(error);
    this.#puts.clear();
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  payload.copy(bytes, FRAME_HEAD_BYTES);
  return bytes;
}

/** HPACK without its tables: `:method` POST and `:scheme` http by their static index, everything else spelled out. */
function headerBlock(host: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04]),
    text('/etcdserverpb.KV/Put'),
    Buffer.from([0x01]),
    text(host),
    Buffer.from([0x0f, 0x10]),
    text('application/grpc'),
    Buffer.from([0x00]),
    text('te'),
    text('trailers'),
  ]);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
}

/** `PutRequest { bytes key = 1; bytes value = 2; }` */
function putRequest(key: string, value: string): Buffer {
  return Buffer.concat([field(0x0a, key), field(0x12, value)]);
}

function field(tag: number, value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
