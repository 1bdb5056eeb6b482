// Owns the readers of logs whose lines come over the sockets of this shard. They live in memory alone: an evicted object
// has none, its streams break, and a node that goes on sending is told to stop.

import type { CommandError } from '../../../contract/command.ts';
import type { CommandDone } from '../../../contract/frames.ts';
import { nodeOfJobId } from '../../../contract/ids.ts';
import {
  LOG_READERS_PER_NODE,
  LOG_READERS_PER_RUNTIME,
  type LogChunk,
  type LogEnd,
} from '../../../contract/logs.ts';

const ID_MARK = 'logs-';

/** Where the frames of one reading go. */
export type LogSink = {
  lines(lines: readonly string[], dropped: number): void;
  /** The node has told everything. */
  done(end: LogEnd): void;
  refused(error: CommandError): void;
  /** The socket over which lines came is no more. */
  lost(): void;
};

export type Reading = { id: string; node: string; runtime: string; socket: WebSocket; sink: LogSink };

/** What is unique in the id of a reading; `makeJobId` puts the node before it. */
export function makeReadingId(): string {
  return `${ID_MARK}${crypto.randomUUID()}`;
}

/** True for the id of a reading, also of one that this object does not know (any more). */
export function isReadingId(id: string): boolean {
  const node = nodeOfJobId(id);
  return node !== undefined && id.startsWith(ID_MARK, node.length + 1);
}

export class LogRelay {
  readonly #readings = new Map<string, Reading>();

  isFull(node: string, runtime: string): boolean {
    const ofNode = [...this.#readings.values()].filter((reading) => reading.node === node);
    const ofRuntime = ofNode.filter((reading) => reading.runtime === runtime);
    return ofNode.length >= LOG_READERS_PER_NODE || ofRuntime.length >= LOG_READERS_PER_RUNTIME;
  }

  open(reading: Reading): void {
    this.#readings.set(reading.id, reading);
  }

  /** True where the reading was open. */
  close(id: string): boolean {
    return this.#readings.delete(id);
  }

  /** False where nobody reads under this id over this socket: the node should stop. */
  chunk(socket: WebSocket, { id, lines, dropped = 0 }: LogChunk): boolean {
    const reading = this.#readingOf(socket, id);
    reading?.sink.lines(lines, dropped);
    return reading !== undefined;
  }

  done(socket: WebSocket, frame: CommandDone): void {
    const reading = this.#readingOf(socket, frame.id);
    if (reading === undefined) return;
    this.#readings.delete(frame.id);
    if (frame.ok) reading.sink.done(endOf(frame.result ?? {}));
    else reading.sink.refused(frame.error);
  }

  socketGone(socket: WebSocket): void {
    for (const reading of this.#readings.values()) {
      if (reading.socket !== socket) continue;
      this.#readings.delete(reading.id);
      reading.sink.lost();
    }
  }

  #readingOf(socket: WebSocket, id: string): Reading | undefined {
    const reading = this.#readings.get(id);
    return reading?.socket === socket ? reading : undefined;
  }
}

function endOf({ ended, message }: Record<string, unknown>): LogEnd {
  return {
    reason: typeof ended === 'string' ? ended : 'done',
    message: typeof message === 'string' ? message : 'The node has told everything',
  };
}
