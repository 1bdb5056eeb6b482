// Owns what is derived of a node, each as a signal that changes only where the derived thing does: a heartbeat that moves
// a figure neither filters the list anew nor sums up the fleet for nothing.

import { computed, type ReadonlySignal } from '@preact/signals';
import type { NodeStatus } from '../../contract/snapshot.ts';
import { badgePart, type BadgePart } from '../view-model/fleet-badge.ts';
import { searchText, statusNow } from '../view-model/node-view.ts';
import { keepSame } from '../view-model/patch.ts';
import { clockTime } from '../view-model/times.ts';
import { hubTime } from './clock.ts';
import { nodeNames, nodeOf, type FleetNode } from './fleet.ts';

export type NodeFacts = {
  status: ReadonlySignal<NodeStatus>;
  search: ReadonlySignal<string>;
  badge: ReadonlySignal<BadgePart>;
};

const known = new WeakMap<FleetNode, NodeFacts>();

export function factsOf(node: FleetNode): NodeFacts {
  const before = known.get(node);
  if (before !== undefined) return before;
  const status = steady(() => statusNow(node.item.value, node.isSilent.value, clock));
  const facts: NodeFacts = {
    status,
    search: computed(() => searchText(node.item.value, status.value)),
    badge: steady(() => badgePart(node.item.value, node.isSilent.value, clock)),
  };
  known.set(node, facts);
  return facts;
}

/** All nodes that are known, in order. Read within a signal it changes with the list alone. */
export function allNodes(): FleetNode[] {
  return nodeNames.value.flatMap((name) => nodeOf(name) ?? []);
}

export function clock(time: string | number): string {
  return clockTime(time, hubTime());
}

/** The same object for as long as an equal one is derived. */
function steady<T>(derive: () => T): ReadonlySignal<T> {
  let last: T | undefined;
  return computed(() => (last = keepSame(last, derive())));
}
