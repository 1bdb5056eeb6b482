// Owns what the frames of one uplink do: hello admits, health is taken, commands are acknowledged, the rest is rejected.

import { CLOSE_REJECTED, type CommandDone, type NodeFrame } from '../../../contract/frames.ts';
import { problem, type Problem } from '../../../contract/problem.ts';
import { RELAY_FEATURE } from '../../../contract/relay.ts';
import type { Snapshot } from '../../../contract/snapshot.ts';
import type { CommandEvent } from '../../domain/command-life.ts';
import { nodeMismatch } from '../../domain/ingest.ts';
import type { LogChunk } from '../../../contract/logs.ts';
import { parseFrame } from '../../domain/uplink-frame.ts';
import { isReadingId } from './log-relay.ts';
import type { ShardParts } from './parts.ts';
import type { Link } from './uplinks.ts';

type Session = { parts: ShardParts; socket: WebSocket; link: Link; now: number };

/** Handles one frame; a socket that no longer counts is not listened to. */
export async function receive(
  parts: ShardParts,
  socket: WebSocket,
  message: string | ArrayBuffer,
  now: number,
): Promise<void> {
  const link = parts.uplinks.linkOf(socket);
  if (link === undefined) return;
  const parsed = parseFrame(message);
  const session = { parts, socket, link, now };
  if (!parsed.ok) reject(session, parsed.problem);
  else await handle(session, parsed.value);
}

async function handle(session: Session, frame: NodeFrame): Promise<void> {
  if (frame.type === 'hello') return hello(session, frame.node, frame.features);
  if (!session.link.isAdmitted) {
    return reject(session, problem('not-admitted', `Send "hello" before "${frame.type}"`));
  }
  switch (frame.type) {
    case 'health':
      return health(session, frame.snapshot, frame.ack === true);
    case 'log.chunk':
      return chunk(session, frame);
    case 'command.received':
      if (isReadingId(frame.id)) return;
      return acknowledge(session, frame.id, { type: 'received', at: session.now });
    case 'command.done':
      if (isReadingId(frame.id)) return session.parts.logs.done(session.socket, frame);
      return acknowledge(session, frame.id, outcome(frame, session.now));
    case 'relay.head':
      return session.parts.relays.head(session.socket, frame);
    case 'relay.end':
      return session.parts.relays.end(session.socket, frame);
    default:
      return frame satisfies never;
  }
}

async function hello(session: Session, claimed: string, features: readonly string[] = []): Promise<void> {
  const { parts, socket, link, now } = session;
  if (claimed !== link.node) return rejectAndClose(session, nodeMismatch(link.node, claimed));
  parts.uplinks.save(socket, { ...link, isAdmitted: true, takesRelays: features.includes(RELAY_FEATURE) });
  parts.cuts.touch();
  parts.uplinks.send(socket, { type: 'welcome', ...parts.timing(now) });
  parts.sendAll(socket, parts.queue.takeDue(link.node, now, true));
  await parts.arm(now);
}

async function health(session: Session, snapshot: Snapshot, wantsAck: boolean): Promise<void> {
  const { parts, socket, link, now } = session;
  const { decision } = parts.take(link.node, snapshot, 'socket', now);
  if (decision.kind === 'mismatch') return rejectAndClose(session, decision.problem);
  const { boot_id: bootId, seq } = snapshot;
  if (decision.kind === 'accept') {
    parts.uplinks.save(socket, { ...link, last: { bootId, seq, receivedAt: now } });
  }
  if (wantsAck) parts.uplinks.send(socket, { type: 'health.ack', boot_id: bootId, seq });
  if (parts.queue.openCount(link.node) > 0) parts.deliver(link.node, now);
  await parts.armForNode(link.node, now);
}

/** The reader may be gone, or this object may have been evicted since and know of none. */
function chunk({ parts, socket }: Session, frame: LogChunk): void {
  if (!parts.logs.chunk(socket, frame)) parts.uplinks.send(socket, { type: 'command.cancel', id: frame.id });
}

async function acknowledge(session: Session, id: string, event: CommandEvent): Promise<void> {
  const { parts, link, now } = session;
  const record = parts.queue.apply(link.node, id, event);
  if (record === undefined) reject(session, problem('unknown-job', `This node has no command "${id}"`));
  await parts.arm(now);
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
function rejectAndClose(session: Session, reason: Problem): void {
  reject(session, reason);
  session.parts.uplinks.close(session.socket, CLOSE_REJECTED, reason.title);
  session.parts.cuts.touch();
}
