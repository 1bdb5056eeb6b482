// Owns the quick yes to a value: a check that is made of a schema once, and asks its questions without building what
// the schema library builds to answer them. It says yes only to what that library takes as it stands; to everything
// else it says no, which means: ask the library, whose word and whose words of refusal alone count.

import type * as v from 'valibot';

type Takes = (value: unknown) => boolean;

/** What is looked at of a schema or of an action within its pipe. */
type Part = {
  readonly kind: string;
  readonly type: string;
  readonly entries?: Readonly<Record<string, Part>>;
  readonly wrapped?: Part;
  readonly default?: unknown;
  readonly item?: Part;
  readonly key?: Part | string;
  readonly value?: Part;
  readonly literal?: unknown;
  readonly options?: readonly unknown[];
  readonly pipe?: readonly Part[];
  readonly requirement?: unknown;
};

const NEVER: Takes = () => false;

/** The library leaves out members of these names, so what has one of them is not taken as it stands. */
export const LEFT_OUT: ReadonlySet<string> = new Set(['__proto__', 'prototype', 'constructor']);

const made = new WeakMap<v.GenericSchema, Takes>();

/** True where the library takes the value and gives back the same. False says nothing. */
export function takesAsItStands(schema: v.GenericSchema, value: unknown): boolean {
  let takes = made.get(schema);
  if (takes === undefined) {
    takes = checkOf(schema);
    made.set(schema, takes);
  }
  return takes(value);
}

function checkOf(part: Part): Takes {
  if (part.pipe !== undefined)
    return allOf(part.pipe.map((step, at) => (at === 0 ? typeCheck(step) : action(step))));
  return typeCheck(part);
}

function typeCheck(part: Part): Takes {
  switch (part.type) {
    case 'string':
      return (value) => typeof value === 'string';
    case 'boolean':
      return (value) => typeof value === 'boolean';
    case 'number':
      return (value) => typeof value === 'number' && !Number.isNaN(value);
    case 'literal':
      return (value) => value === part.literal;
    case 'picklist':
      return oneOf(part.options ?? []);
    case 'optional':
      return optional(part, undefined);
    case 'nullable':
      return optional(part, null);
    case 'array':
      return list(part.item);
    case 'loose_object':
      return members(part.entries ?? {});
    case 'record':
      return record(part);
    case 'variant':
      return variant(part);
    default:
      return NEVER;
  }
}

function action({ kind, type, requirement }: Part): Takes {
  if (kind !== 'validation') return NEVER;
  if (type === 'integer') return Number.isInteger;
  if (type === 'finite') return Number.isFinite;
  if (requirement instanceof RegExp && type === 'regex') return matches(requirement);
  if (typeof requirement === 'function' && type === 'check') return (value) => requirement(value) === true;
  if (typeof requirement !== 'number') return NEVER;
  switch (type) {
    case 'min_value':
      return (value) => typeof value === 'number' && value >= requirement;
    case 'max_value':
      return (value) => typeof value === 'number' && value <= requirement;
    case 'min_length':
      return (value) => lengthOf(value) >= requirement;
    case 'max_length':
      return (value) => lengthOf(value) <= requirement;
    default:
      return NEVER;
  }
}

/** A pattern that remembers where it was would say another thing each time. */
function matches(pattern: RegExp): Takes {
  if (pattern.global || pattern.sticky) return NEVER;
  return (value) => typeof value === 'string' && pattern.test(value);
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' || Array.isArray(value) ? value.length : Number.NaN;
}

function allOf(checks: readonly Takes[]): Takes {
  const [first = NEVER, second, ...rest] = checks;
  if (second === undefined) return first;
  if (rest.length === 0) return (value) => first(value) && second(value);
  const others = allOf([second, ...rest]);
  return (value) => first(value) && others(value);
}

function oneOf(options: readonly unknown[]): Takes {
  return (value) => options.includes(value);
}

/** One that gives something for nothing does not give back what came. */
function optional({ wrapped, default: otherwise }: Part, nothing: undefined | null): Takes {
  if (wrapped === undefined || otherwise !== undefined) return NEVER;
  const takes = checkOf(wrapped);
  return (value) => value === nothing || takes(value);
}

function list(item: Part | undefined): Takes {
  if (item === undefined) return NEVER;
  const takes = checkOf(item);
  return (value) => {
    if (!Array.isArray(value)) return false;
    // Not `every`, which passes over holes.
    for (let at = 0; at < value.length; at += 1) if (!takes(value[at])) return false;
    return true;
  };
}

function members(entries: Readonly<Record<string, Part>>): Takes {
  const keys = Object.keys(entries);
  const checks = Object.values(entries).map(checkOf);
  return (value) => {
    if (!isPlain(value)) return false;
    for (let at = 0; at < keys.length; at += 1) {
      if (checks[at]?.(value[keys[at] ?? '']) !== true) return false;
    }
    return !hasLeftOut(value);
  };
}

function hasLeftOut(value: object): boolean {
  return (
    Object.hasOwn(value, '__proto__') ||
    Object.hasOwn(value, 'prototype') ||
    Object.hasOwn(value, 'constructor')
  );
}

function record({ key, value: held }: Part): Takes {
  if (typeof key !== 'object' || key.type !== 'string' || key.pipe !== undefined || held === undefined)
    return NEVER;
  const takes = checkOf(held);
  return (value) =>
    isPlain(value) && Object.entries(value).every(([name, member]) => takes(member) && !LEFT_OUT.has(name));
}

/** Told apart by one word; options that are told apart otherwise are left to the library. */
function variant({ key, options = [] }: Part): Takes {
  if (typeof key !== 'string') return NEVER;
  const checks = new Map<unknown, Takes>();
  for (const option of options) {
    const literal =
      isPart(option) && option.type === 'loose_object' ? option.entries?.[key]?.literal : undefined;
    if (isPart(option) && typeof literal === 'string' && !checks.has(literal))
      checks.set(literal, checkOf(option));
  }
  return (value) => isPlain(value) && checks.get(value[key])?.(value) === true;
}

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && 'kind' in value && 'type' in value;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
