// Owns why nothing can be relayed to a node, and why what was relayed has failed.

import type { CommandError } from '../../contract/command.ts';
import { problem, type Problem } from '../../contract/problem.ts';
import { isoTime, isStale, silence } from './freshness.ts';
import { goneNode } from './log-refusal.ts';

/** What is known of a node that something is to be relayed to. */
export type RelayPlace = {
  node: string;
  receivedAt: number;
  transport: 'socket' | 'post';
  /** Its socket is open, and it is not stale. */
  isReachable: boolean;
  takesRelays: boolean;
  isFull: boolean;
};

/** Undefined where a request may go there. */
export function relayObstacle(place: RelayPlace, ttlSeconds: number, now: number): Problem | undefined {
  const { node, receivedAt, transport, isReachable, takesRelays, isFull } = place;
  if (!isReachable && transport === 'post' && !isStale(place, ttlSeconds, now)) {
    const detail = `Node "${node}" reports by POST, and requests reach it over its WebSocket alone: let upgrades pass to the hub`;
    return problem('socket-needed', detail, { node });
  }
  if (!isReachable) {
    const since = isoTime(receivedAt);
    const detail = `Node "${node}" was last heard at ${since} (${silence(place, now)}): ask again when it is back`;
    return problem('node-offline', detail, { node, since });
  }
  if (!takesRelays) {
    return problem('node-too-old', `The reporter of node "${node}" takes no relayed requests: upgrade it`, {
      node,
    });
  }
  if (isFull) {
    return problem(
      'too-many-relays',
      `Node "${node}" answers as many requests as pass at a time: ask again`,
      { node },
    );
  }
  return undefined;
}

export function lostNode(node: string): CommandError {
  return { reason: 'node-gone', message: goneNode(node) };
}

export function mutedNode(node: string): CommandError {
  return {
    reason: 'node-silent',
    message: `Node "${node}" fell silent while it answered: ask again when it is back`,
  };
}

export function brokenProtocol(node: string): CommandError {
  return {
    reason: 'window-exceeded',
    message: `Node "${node}" sent more than it was granted: upgrade its reporter`,
  };
}

export function brokenUpload(node: string): CommandError {
  return {
    reason: 'upload-broken',
    message: `What node "${node}" uploaded of its answer broke off: ask again`,
  };
}

export function tooLong(): CommandError {
  return { reason: 'timeout', message: 'It took longer than 30 minutes; ask for fewer tokens' };
}
