// Owns where the answer of a relayed chat goes: into the action, for whoever asks for that later, or as it comes to whoever
// waits for it.

import type { CommandError } from '../../../contract/command.ts';
import { actionProblem, CANCELLED, REPLY_MAX_BYTES } from '../../domain/action-life.ts';
import { brokenEvent, replyOf } from '../../domain/chat.ts';
import { problemResponse } from '../../problem-response.ts';
import type { ShardParts } from './parts.ts';
import { joined, RelayBody } from './relay-body.ts';
import type { RelaySink } from './relays.ts';

export type Relayed = {
  parts: ShardParts;
  id: string;
  node: string;
  runtime: string;
  socket: WebSocket;
  stream: number;
};

const TOO_LONG: CommandError = {
  reason: 'reply-too-long',
  message: `The reply is longer than ${REPLY_MAX_BYTES / 1024} KiB; ask for fewer tokens, or for a stream`,
};

/** @param onFailed is told why there is no reply, after the action was. */
export function collectingSink(relayed: Relayed, onFailed?: (error: CommandError) => void): RelaySink {
  const { parts, id, socket, stream } = relayed;
  let status = 0;
  let pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  const failed = (error: CommandError): void => {
    pieces = [];
    parts.actions.step(id, { type: 'failed', at: Date.now(), error });
    onFailed?.(error);
  };
  return {
    head: (head) => {
      ({ status } = head);
    },
    chunk: (bytes) => {
      sizeBytes += bytes.byteLength;
      pieces.push(bytes);
      if (sizeBytes > REPLY_MAX_BYTES) parts.relays.abort(socket, stream, TOO_LONG);
      else parts.relays.read(socket, stream, bytes.byteLength);
    },
    end: () => {
      const reply = replyOf(status, new TextDecoder().decode(joined(pieces)));
      if (!reply.ok) return failed(reply.error);
      parts.actions.step(id, { type: 'completed', at: Date.now(), model: reply.model, reply: reply.reply });
    },
    failed,
  };
}

/** What no header may hold is not passed on. */
function told(contentType: string | undefined): string {
  return contentType !== undefined && /^[\x20-\x7e]+$/.test(contentType) ? contentType : 'text/event-stream';
}

/** Answers with the head of a stream that began, or with the reason why none did. */
export function streamingSink(
  relayed: Relayed,
  { answer, signal }: { answer: (response: Response) => void; signal: AbortSignal },
): RelaySink {
  const { parts, id, node, runtime, socket, stream } = relayed;
  const leave = (): void => {
    parts.relays.abort(socket, stream, CANCELLED);
  };
  // Whoever asked may go before the answer begins.
  signal.addEventListener('abort', leave, { once: true });
  const refused = collectingSink(relayed, (error) => answer(problemResponse(actionProblem(error, id))));
  let body: RelayBody | undefined;
  return {
    head: (head) => {
      const { status, headers } = head;
      if (status < 200 || status > 299) return refused.head(head);
      body = new RelayBody({
        pipe: new IdentityTransformStream(),
        onRead: (bytes) => {
          parts.relays.read(socket, stream, bytes);
        },
        onLeft: leave,
      });
      answer(
        new Response(body.readable, {
          headers: {
            'content-type': told(headers['content-type']),
            'cache-control': 'no-store',
            'x-accel-buffering': 'no',
            'x-arw-action': id,
            'x-arw-node': node,
            'x-arw-runtime': runtime,
          },
        }),
      );
    },
    chunk: (bytes) => {
      if (body === undefined) refused.chunk(bytes);
      else body.push(bytes);
    },
    move: (part) => body?.move(part) ?? Promise.resolve('broken'),
    end: () => {
      signal.removeEventListener('abort', leave);
      if (body === undefined) return refused.end();
      body.end();
      parts.actions.step(id, { type: 'completed', at: Date.now(), model: null, reply: undefined });
    },
    failed: (error) => {
      signal.removeEventListener('abort', leave);
      if (body === undefined) return refused.failed(error);
      parts.actions.step(id, { type: 'failed', at: Date.now(), error });
      body.push(new TextEncoder().encode(brokenEvent(error)));
      body.end();
    },
  };
}
