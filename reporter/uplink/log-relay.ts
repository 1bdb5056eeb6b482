// Owns what happens to a wish to read a log between the wire and the file: signed, valid, in time, and not too many. It
// changes nothing on this host, so nothing of it is journalled, and none of it is answered twice.

import * as v from 'valibot';
import type { Command } from '../../contract/command.ts';
import type { NodeFrame } from '../../contract/frames.ts';
import {
  FOLLOW_MAX_MS,
  LOG_READERS_PER_NODE,
  LOG_READERS_PER_RUNTIME,
  LogsArgsSchema,
  type LogsArgs,
} from '../../contract/logs.ts';
import { spokenLine } from '../../contract/status.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { LogReader, type LogSource, type LogWay } from '../logs/log-reader.ts';
import { isSigned } from './signature.ts';

export type LogRelayOptions = {
  node: string;
  commandKey: string;
  /** The log of a runtime; undefined where this node has no such runtime. */
  source: (runtimeId: string) => LogSource | undefined;
  room: LogWay['room'];
  send: (frame: NodeFrame) => void;
  log: Log;
  hubNowMs: () => number;
  nowMs: () => number;
};

type Refusal = { reason: string; message: string };
type Reading = { runtime: string; cancel: AbortController };

export class LogRelay {
  readonly #options: LogRelayOptions;
  readonly #readings = new Map<string, Reading>();

  constructor(options: LogRelayOptions) {
    this.#options = options;
  }

  /** Resolves when the reading has ended. */
  async take(command: Command): Promise<void> {
    const { id, runtime } = command;
    // Sent twice, it is one reading.
    if (this.#readings.has(id)) return;
    const judged = this.#judge(command);
    if ('refused' in judged) return this.#fail(id, judged.refused);
    const cancel = new AbortController();
    this.#readings.set(id, { runtime, cancel });
    try {
      await this.#read(id, judged.args, judged.source, cancel.signal);
    } catch (error) {
      this.#options.log.warn(`${runtime}: its log cannot be read: ${messageOf(error)}`);
      this.#fail(id, {
        reason: 'log-unreadable',
        message: `The log of "${runtime}" cannot be read: ${messageOf(error)}`,
      });
    } finally {
      this.#readings.delete(id);
    }
  }

  cancel(id: string): void {
    this.#readings.get(id)?.cancel.abort();
  }

  /** Ends every reading without another word. */
  stop(): void {
    for (const { cancel } of this.#readings.values()) cancel.abort();
  }

  async #read(id: string, args: LogsArgs, source: LogSource, signal: AbortSignal): Promise<void> {
    const { room, send, nowMs } = this.#options;
    const end = await new LogReader({ id, args, source, way: { room, send }, signal, nowMs }).run();
    if (end === 'gone') return;
    const hours = FOLLOW_MAX_MS / 3_600_000;
    const result =
      end === 'limit' ? { ended: 'limit', message: `Followed for ${hours} h; ask again to go on` } : {};
    send({ type: 'command.done', id, ok: true, result });
  }

  #judge(command: Command): { args: LogsArgs; source: LogSource } | { refused: Refusal } {
    const { node, commandKey, hubNowMs, log } = this.#options;
    const { id, runtime } = command;
    if (!isSigned(command, node, commandKey)) {
      const message = 'The command is not signed by the hub that enrolled this node';
      log.error(`command ${id}: ${message}`);
      return { refused: { reason: 'bad-signature', message } };
    }
    if (Date.parse(command.expires_at) <= hubNowMs()) {
      return { refused: { reason: 'expired', message: `The command expired at ${command.expires_at}` } };
    }
    const args = v.safeParse(LogsArgsSchema, command.args);
    if (!args.success) return { refused: { reason: 'bad-arguments', message: args.issues[0].message } };
    const source = this.#options.source(runtime);
    if (source === undefined) {
      return { refused: { reason: 'unknown-runtime', message: `This node has no runtime "${runtime}"` } };
    }
    const readings = [...this.#readings.values()];
    const ofRuntime = readings.filter((reading) => reading.runtime === runtime).length;
    if (readings.length >= LOG_READERS_PER_NODE || ofRuntime >= LOG_READERS_PER_RUNTIME) {
      return { refused: { reason: 'too-many-readers', message: tooMany(runtime) } };
    }
    return { args: args.output, source };
  }

  #fail(id: string, { reason, message }: Refusal): void {
    this.#options.send({
      type: 'command.done',
      id,
      ok: false,
      error: { reason, message: spokenLine(message) },
    });
  }
}

function tooMany(runtime: string): string {
  return `At most ${LOG_READERS_PER_NODE} read logs of this node at a time, and ${LOG_READERS_PER_RUNTIME} that of "${runtime}"`;
}
