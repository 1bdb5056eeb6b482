// Owns how the texts of flags become values, with what to write instead where they cannot.

import { InvalidArgumentError, Option } from 'commander';
import type { Hub } from '../hub-client.ts';

/** The hub that a command asks: found out when it is needed, since a command may be wrong before that. */
export type HubOf = () => Promise<Hub>;

/** A parser of whole numbers in the range; both ends belong to it. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number ${range}.`);
    }
    return value;
  };
}

const WATCH_SECONDS = '2';
const WATCH_MAX_SECONDS = 3600;

export function watchOption(): Option {
  return new Option('--watch [seconds]', `look again every so many seconds (${WATCH_SECONDS}), until Ctrl-C`)
    .preset(WATCH_SECONDS)
    .argParser(wholeNumber(1, WATCH_MAX_SECONDS));
}

/** The members that were given, so that the hub and the node keep their defaults for the others. */
export function given(...members: readonly (readonly [name: string, value: unknown])[]): Given {
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

export type Given = Record<string, unknown>;
