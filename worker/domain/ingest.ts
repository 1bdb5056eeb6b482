// Owns what happens to a snapshot that arrives: the order of one reporter's words is decided here, whatever the way.

import { problem, type Problem } from '../../contract/problem.ts';
import type { Snapshot } from '../../contract/snapshot.ts';

/** The last accepted word of a node. */
export type LastWord = { bootId: string; seq: number };

export type IngestDecision =
  | { kind: 'accept' }
  | { kind: 'duplicate' }
  | { kind: 'mismatch'; problem: Problem };

/**
 * One reporter start numbers its snapshots, so a number that is not higher is an echo or came late. Another
 * `boot_id` is another start: its numbers say nothing about the ones before.
 */
export function decideIngest(node: string, last: LastWord | undefined, snapshot: Snapshot): IngestDecision {
  if (snapshot.target !== node) return { kind: 'mismatch', problem: nodeMismatch(node, snapshot.target) };
  const isOld = last !== undefined && last.bootId === snapshot.boot_id && snapshot.seq <= last.seq;
  return isOld ? { kind: 'duplicate' } : { kind: 'accept' };
}

export function nodeMismatch(node: string, claimed: string): Problem {
  return problem(
    'node-mismatch',
    `This token speaks for node "${node}", the payload for "${claimed}": enrol "${claimed}" or correct ARW_NODE_ID`,
  );
}
