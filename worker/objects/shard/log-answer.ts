// Owns how a wish to read a log is answered: checked, signed, sent to the node as a command that is never queued, and
// answered with what comes back: a text, a stream of events, or why there is none.

import { commandSigningText, type Command, type CommandError } from '../../../contract/command.ts';
import { makeJobId } from '../../../contract/ids.ts';
import { LOGS_KIND, type LogsArgs } from '../../../contract/logs.ts';
import { problem, type Problem } from '../../../contract/problem.ts';
import { sign } from '../../crypto.ts';
import { isoTime } from '../../domain/freshness.ts';
import { droppedText, textLine } from '../../domain/log-events.ts';
import {
  goneNode,
  notConnected,
  refusedByNode,
  silentNode,
  tooManyReaders,
} from '../../domain/log-refusal.ts';
import { unknownNode, unknownRuntime } from '../../domain/submit.ts';
import { problemResponse } from '../../problem-response.ts';
import { makeReadingId, type LogSink } from './log-relay.ts';
import { LogStream } from './log-stream.ts';
import type { ShardParts } from './parts.ts';

/** A node reads a file from its end: it answers in milliseconds, or not at all. */
const ANSWER_WITHIN_MS = 10_000;
/** A wish that is late is nobody's any more. */
const EXPIRES_AFTER_MS = 30_000;
/** More text than a node holds ready for one reader is no tail of a log. */
const TEXT_MAX_LENGTH = 1024 * 1024;

const HEADERS = { 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

export type LogsWish = { node: string; runtime: string; args: LogsArgs };

export async function answerLogs(parts: ShardParts, wish: LogsWish, signal: AbortSignal): Promise<Response> {
  const { node, runtime } = wish;
  const command = await signedCommand(parts, wish);
  if (command === undefined) return problemResponse(unknownNode(node));
  const now = Date.now();
  const live = parts.nodes.get(node);
  const isKnown = live?.snapshot.runtimes.some(({ descriptor }) => descriptor.id === runtime) === true;
  if (live === undefined || !isKnown) return problemResponse(unknownRuntime(wish, live?.snapshot));
  const socket = parts.reachable(node, now);
  if (socket === undefined) return problemResponse(notConnected(node, live, parts.ttlSeconds, now));
  if (parts.logs.isFull(node, runtime)) return problemResponse(tooManyReaders(wish));
  const { id } = command;
  /** Ends the reading; a node that still sends is told to stop. */
  const leave = (): void => {
    if (parts.logs.close(id)) parts.uplinks.send(socket, { type: 'command.cancel', id });
  };
  return new Promise((resolve) => {
    const refuse = (reason: Problem): void => {
      leave();
      clearTimeout(deadline);
      resolve(problemResponse(reason));
    };
    // Nobody waits for the answer any more.
    signal.addEventListener('abort', () => refuse(silentNode(node, 0)), { once: true });
    const deadline = setTimeout(() => refuse(silentNode(node, ANSWER_WITHIN_MS)), ANSWER_WITHIN_MS);
    const answer = (response: Response): void => {
      clearTimeout(deadline);
      resolve(response);
    };
    const sink = wish.args.follow
      ? followSink(parts, wish, { answer, refuse, leave, signal })
      : textSink(wish, { answer, refuse });
    parts.logs.open({ id, node, runtime, socket, sink });
    parts.uplinks.send(socket, command);
  });
}

type Answering = { answer: (response: Response) => void; refuse: (reason: Problem) => void };

/** Collects the lines, and answers when the node is done. */
function textSink(wish: LogsWish, { answer, refuse }: Answering): LogSink {
  let text = '';
  return {
    lines: (lines, dropped) => {
      if (dropped > 0) text += droppedText(dropped);
      text += lines.map(textLine).join('');
      if (text.length > TEXT_MAX_LENGTH) {
        refuse(refusedByNode(wish, { reason: 'too-long', message: 'The node sent more than a tail' }));
      }
    },
    done: () =>
      answer(new Response(text, { headers: { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' } })),
    refused: (error) => refuse(refusedByNode(wish, error)),
    lost: () => refuse(lostNode(wish)),
  };
}

/** Answers with the first frame, and streams from there. */
function followSink(
  parts: ShardParts,
  wish: LogsWish,
  { answer, refuse, leave, signal }: Answering & { leave: () => void; signal: AbortSignal },
): LogSink {
  const { node } = wish;
  let stream: LogStream | undefined;
  const gone = { reason: 'node-gone', message: goneNode(node) };
  const begun = (): LogStream => {
    if (stream !== undefined) return stream;
    const opened = new LogStream({
      look: () => (parts.reachable(node, Date.now()) === undefined ? gone : undefined),
      onOver: leave,
    });
    signal.addEventListener('abort', () => opened.leave(), { once: true });
    answer(
      new Response(opened.readable, {
        headers: { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8' },
      }),
    );
    stream = opened;
    return opened;
  };
  return {
    lines: (lines, dropped) => begun().lines(lines, dropped),
    done: (end) => begun().end(end),
    refused: (error: CommandError) => {
      if (stream === undefined) refuse(refusedByNode(wish, error));
      else stream.end(error);
    },
    lost: () => {
      if (stream === undefined) refuse(lostNode(wish));
      else stream.end(gone);
    },
  };
}

function lostNode({ node }: LogsWish): Problem {
  return problem('node-offline', goneNode(node));
}

/** Undefined where the node is not enrolled. Signs anew where the node was enrolled anew meanwhile. */
async function signedCommand(parts: ShardParts, wish: LogsWish): Promise<Command | undefined> {
  const { node, runtime, args } = wish;
  for (;;) {
    const credentials = await parts.credentials.get(node);
    if (credentials === undefined) return undefined;
    const now = Date.now();
    const core = {
      id: makeJobId(node, makeReadingId()),
      kind: LOGS_KIND,
      runtime,
      args,
      issued_at: isoTime(now),
      expires_at: isoTime(now + EXPIRES_AFTER_MS),
    };
    const signature = await sign(credentials.commandKey, commandSigningText(node, core));
    if (parts.credentials.isCurrent(credentials)) return { type: 'command', ...core, attempt: 1, signature };
  }
}
