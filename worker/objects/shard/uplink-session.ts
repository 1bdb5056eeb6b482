// Owns what the frames of one uplink do: hello admits, health is taken, commands are acknowledged, the rest is rejected.

import { CLOSE_REJECTED, type CommandDone, type NodeFrame } from '../../../contract/frames.ts';
import { problem, type Problem } from '../../../contract/problem.ts';
import { RELAY_FEATURE } from '../../../contract/relay.ts';
import type { CommandEvent } from '../../domain/command-life.ts';
import { nodeMismatch, type LastWord } from '../../domain/ingest.ts';
import { isOutpaced, jittered, timingOf, type Pace } from '../../domain/interval.ts';
import type { LogChunk } from '../../../contract/logs.ts';
import { heartbeatText, parseFrame } from '../../domain/uplink-frame.ts';
import type { Heard } from './live-node.ts';
import type { Moment } from './live-nodes.ts';
import { isReadingId } from './log-relay.ts';
import type { ShardParts } from './parts.ts';
import type { Link } from './uplinks.ts';

type Session = { parts: ShardParts; socket: WebSocket; link: Link; now: number };

/** Handles one frame; a socket that no longer counts is not listened to. */
export function receive(
  parts: ShardParts,
  socket: WebSocket,
  message: string | ArrayBuffer,
  now: number,
): Promise<void> | undefined {
  const link = parts.uplinks.linkOf(socket);
  if (link === undefined) return undefined;
  const session = { parts, socket, link, now };
  const heartbeat = link.isAdmitted && typeof message === 'string' ? heartbeatText(message) : undefined;
  if (heartbeat !== undefined) {
    const seq = parts.retake(link.node, heartbeat.text, 'socket', momentOf(session));
    if (seq !== undefined) return heard(session, seq, heartbeat.wantsAck);
  }
  const parsed = parseFrame(message);
  if (parsed.ok) return handle(session, parsed.value, heartbeat?.text);
  parts.counting.refused('socket');
  reject(session, parsed.problem);
  return undefined;
}

/** What has nothing to wait for is over when it returns: most frames are heartbeats. */
function handle(session: Session, frame: NodeFrame, text: string | undefined): Promise<void> | undefined {
  if (frame.type === 'hello') return hello(session, frame.node, frame.features);
  if (!session.link.isAdmitted) {
    reject(session, problem('not-admitted', `Send "hello" before "${frame.type}"`));
    return undefined;
  }
  switch (frame.type) {
    case 'health':
      return health(session, { snapshot: frame.snapshot, text }, frame.ack === true);
    case 'log.chunk':
      chunk(session, frame);
      return undefined;
    case 'command.received':
      if (isReadingId(frame.id)) return undefined;
      return acknowledge(session, frame.id, { type: 'received', at: session.now });
    case 'command.done':
      if (isReadingId(frame.id)) {
        session.parts.logs.done(session.socket, frame);
        return undefined;
      }
      return acknowledge(session, frame.id, outcome(frame, session.now));
    case 'relay.head':
      session.parts.relays.head(session.socket, frame);
      return undefined;
    case 'relay.moved':
      session.parts.relays.moved(session.socket, frame.stream);
      return undefined;
    case 'relay.end':
      session.parts.relays.end(session.socket, frame);
      return undefined;
    default:
      return frame satisfies never;
  }
}

function hello(
  session: Session,
  claimed: string,
  features: readonly string[] = [],
): Promise<void> | undefined {
  const { parts, link, now } = session;
  if (claimed !== link.node) return rejectAndClose(session, nodeMismatch(link.node, claimed));
  const takesRelays = features.includes(RELAY_FEATURE);
  welcome({ ...session, link: { ...link, takesRelays } }, parts.pace());
  parts.cuts.touch();
  parts.sendAll(session.socket, parts.queue.takeDue(link.node, now, true));
  return parts.armForNode(link.node, now);
}

/** Tells the node its pace, which holds for what it says from here on. */
function welcome({ parts, socket, link, now }: Session, wanted: Pace): void {
  const pace = jittered(wanted, Math.random());
  parts.uplinks.save(socket, { ...link, isAdmitted: true, pace });
  parts.uplinks.send(socket, { type: 'welcome', ...timingOf(pace, now) });
}

function momentOf({ link, now }: Session): Moment {
  return { now, ttlSeconds: link.pace?.ttlSeconds };
}

function health(
  session: Session,
  said: Pick<Heard, 'snapshot' | 'text'>,
  wantsAck: boolean,
): Promise<void> | undefined {
  const { parts, link } = session;
  const { decision } = parts.take(link.node, said, 'socket', momentOf(session));
  if (decision.kind === 'mismatch') return rejectAndClose(session, decision.problem);
  const { boot_id: bootId, seq } = said.snapshot;
  return heard(session, { bootId, seq }, wantsAck, decision.kind === 'accept');
}

/** What follows a snapshot that was taken, now or before. */
function heard(
  session: Session,
  { bootId, seq }: LastWord,
  wantsAck: boolean,
  isNew = true,
): Promise<void> | undefined {
  const { parts, socket, link, now } = session;
  if (isNew) parts.uplinks.heard(socket, link, { bootId, seq, receivedAt: now }, wantsAck);
  if (wantsAck) parts.uplinks.send(socket, { type: 'health.ack', boot_id: bootId, seq });
  if (parts.queue.openCount(link.node) > 0) parts.deliver(link.node, now);
  const wanted = parts.pace();
  if (link.pace !== null && isOutpaced(link.pace, wanted)) {
    // With what was just heard.
    welcome({ ...session, link: parts.uplinks.linkOf(socket) ?? link }, wanted);
  }
  return parts.armForNode(link.node, now);
}

/** The reader may be gone, or this object may have been evicted since and know of none. */
function chunk({ parts, socket }: Session, frame: LogChunk): void {
  if (!parts.logs.chunk(socket, frame)) parts.uplinks.send(socket, { type: 'command.cancel', id: frame.id });
}

function acknowledge(session: Session, id: string, event: CommandEvent): Promise<void> | undefined {
  const { parts, link, now } = session;
  const record = parts.queue.apply(link.node, id, event);
  if (record === undefined) reject(session, problem('unknown-job', `This node has no command "${id}"`));
  return parts.armForNode(link.node, now);
}

function outcome(frame: CommandDone, at: number): CommandEvent {
  return frame.ok
    ? { type: 'completed', at, result: frame.result ?? null }
    : { type: 'failed', at, error: frame.error };
}

function reject({ parts, socket }: Session, reason: Problem): void {
  parts.uplinks.send(socket, { type: 'reject', problem: reason });
}

/** A peer that speaks for another node is not one to be listened to. */
function rejectAndClose(session: Session, reason: Problem): undefined {
  reject(session, reason);
  session.parts.uplinks.close(session.socket, CLOSE_REJECTED, reason.title);
  session.parts.cuts.touch();
}
