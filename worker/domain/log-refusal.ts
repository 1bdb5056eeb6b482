// Owns why a log cannot be read now: what the hub knows of the node, or what the node said.

import type { CommandError } from '../../contract/command.ts';
import { LOG_READERS_PER_NODE, LOG_READERS_PER_RUNTIME } from '../../contract/logs.ts';
import { problem, type Problem } from '../../contract/problem.ts';
import { isoTime, isStale, silence } from './freshness.ts';

type Place = { node: string; runtime: string };

/** @param heard when and how the node was heard last. */
export function notConnected(
  node: string,
  heard: { receivedAt: number; transport: 'socket' | 'post' },
  ttlSeconds: number,
  now: number,
): Problem {
  if (heard.transport === 'post' && !isStale(heard, ttlSeconds, now)) {
    const detail = `Node "${node}" reports by POST, and lines come over its WebSocket alone: let upgrades pass to the hub, or read the log on the host`;
    return problem('socket-needed', detail);
  }
  const since = isoTime(heard.receivedAt);
  const detail = `Node "${node}" was last heard at ${since} (${silence(heard, now)}): ask again when it is back`;
  return problem('node-offline', detail, { since });
}

export function tooManyReaders({ node, runtime }: Place): Problem {
  return problem(
    'too-many-readers',
    `At most ${LOG_READERS_PER_NODE} may read logs of node "${node}" at a time, ${LOG_READERS_PER_RUNTIME} of them that of "${runtime}": end one first`,
  );
}

/** What the node's own no means for the reader. */
export function refusedByNode(place: Place, error: CommandError): Problem {
  switch (error.reason) {
    case 'unknown-kind':
      return problem(
        'node-too-old',
        `The reporter of node "${place.node}" does not know how to send logs: upgrade it`,
      );
    case 'unknown-runtime':
      return problem('unknown-runtime', error.message);
    case 'too-many-readers':
      return tooManyReaders(place);
    default:
      return problem('node-failed', error.message);
  }
}

export function silentNode(node: string, withinMs: number): Problem {
  return problem(
    'node-silent',
    `Node "${node}" sent no line within ${withinMs / 1000} s: ask again, or look at its reporter`,
  );
}

export function goneNode(node: string): string {
  return `The connection to node "${node}" ended: ask again when it is back`;
}
