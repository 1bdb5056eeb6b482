// Owns how a value becomes another one by RFC 6902 operations without being changed itself: what an operation does not
// touch stays the same object, so that nothing of it is drawn again.

import type { PatchOperation } from '../../contract/events.ts';

/** A patch is for another document than this one. */
export class PatchMismatch extends Error {
  override readonly name = 'PatchMismatch';
}

/** Members that would reach into the language. */
const TRAPS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** @param path `/items/gpu-01` @throws PatchMismatch */
export function tokensOf(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw new PatchMismatch(`${path} is no JSON pointer`);
  const tokens = path
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (tokens.some((token) => TRAPS.has(token)))
    throw new PatchMismatch(`${path} names no member of a document`);
  return tokens;
}

/** @param tokens where the operation is to be done, below `value`. @throws PatchMismatch */
export function patchedAt(value: unknown, tokens: readonly string[], operation: PatchOperation): unknown {
  const [token, ...rest] = tokens;
  if (token === undefined) {
    if (operation.op === 'remove') throw new PatchMismatch('the whole cannot be removed');
    return operation.value;
  }
  if (Array.isArray(value)) return patchedList(value, token, rest, operation);
  if (typeof value !== 'object' || value === null) throw new PatchMismatch(`${token} is below no member`);
  const isThere = Object.hasOwn(value, token);
  if (rest.length > 0 || operation.op === 'replace') {
    if (!isThere) throw new PatchMismatch(`there is no ${token}`);
    const member: unknown = Reflect.get(value, token);
    return { ...value, [token]: patchedAt(member, rest, operation) };
  }
  if (operation.op === 'add') return { ...value, [token]: operation.value };
  if (!isThere) throw new PatchMismatch(`there is no ${token}`);
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== token));
}

function patchedList(
  list: readonly unknown[],
  token: string,
  rest: readonly string[],
  operation: PatchOperation,
): unknown[] {
  const adds = operation.op === 'add' && rest.length === 0;
  const index = token === '-' ? list.length : /^(0|[1-9]\d*)$/.test(token) ? Number(token) : -1;
  if (index < 0 || index > list.length - (adds ? 0 : 1))
    throw new PatchMismatch(`there is no element ${token}`);
  if (adds) return list.toSpliced(index, 0, operation.value);
  if (operation.op === 'remove' && rest.length === 0) return list.toSpliced(index, 1);
  return list.with(index, patchedAt(list[index], rest, operation));
}

/** `next` made of the parts of `previous` that are equal: whole where all is. */
export function keepSame<T>(previous: unknown, next: T): T;
export function keepSame(previous: unknown, next: unknown): unknown {
  if (Object.is(previous, next)) return previous;
  if (typeof previous !== 'object' || typeof next !== 'object' || previous === null || next === null)
    return next;
  if (Array.isArray(previous) || Array.isArray(next)) {
    if (!Array.isArray(previous) || !Array.isArray(next)) return next;
    const list = next.map((element: unknown, index) => keepSame(previous[index], element));
    return list.length === previous.length && list.every((element, index) => element === previous[index])
      ? previous
      : list;
  }
  const before = new Map<string, unknown>(Object.entries(previous));
  const kept = Object.entries(next).map(
    ([name, value]) => [name, keepSame(before.get(name), value)] as const,
  );
  const isSame =
    kept.length === before.size &&
    kept.every(([name, value]) => before.has(name) && before.get(name) === value);
  return isSame ? previous : Object.fromEntries(kept);
}
