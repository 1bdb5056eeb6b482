// Owns how two JSON values become RFC 6902 operations: by the library, bounded where its search for the shortest list
// would cost more than it saves.

// Its parts, since the whole would bring along how patches are applied.
import { diffAny, type Operation } from 'rfc6902/diff.js';
import { Pointer } from 'rfc6902/pointer.js';
import type { PatchOperation } from '../contract/events.ts';

const TRAPS = ['__proto__', 'constructor', 'prototype'];

/** Comparing every element of a list with every element of the other one: beyond this the list is replaced. */
const MAX_COMPARISONS = 1024;

/** The operations that turn `before` into `after`, both found at `path`. */
export function diff(before: unknown, after: unknown, path: string): PatchOperation[] {
  return difference(before, after, Pointer.fromJSON(path)).map(toOperation);
}

function difference(before: unknown, after: unknown, pointer: Pointer): Operation[] {
  if (hasTrap(before) || hasTrap(after)) {
    return [{ op: 'replace', path: pointer.toString(), value: after }];
  }
  if (!Array.isArray(before) || !Array.isArray(after)) return diffAny(before, after, pointer, difference);
  // Lists of one length change in place nearly always, and are compared element by element.
  if (before.length === after.length) {
    return before.flatMap((element: unknown, index) =>
      difference(element, after[index], pointer.add(String(index))),
    );
  }
  if (before.length * after.length <= MAX_COMPARISONS) return diffAny(before, after, pointer, difference);
  return [{ op: 'replace', path: pointer.toString(), value: after }];
}

/** Whoever applies patches with care takes no such word in a path; within a value they do no harm. */
function hasTrap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && TRAPS.some((word) => Object.hasOwn(value, word));
}

function toOperation(operation: Operation): PatchOperation {
  const { op, path } = operation;
  switch (op) {
    case 'add':
    case 'replace': {
      const value: unknown = operation.value;
      return { op, path, value };
    }
    case 'remove':
      return { op, path };
    // A difference has none of these.
    case 'move':
    case 'copy':
    case 'test':
      throw new Error(`A difference with the operation "${op}"`);
    default:
      return op satisfies never;
  }
}
