// Owns what may come next on a command line, from commander's own tree: what that takes is offered, and nothing else.

import type { Argument, Command, Option } from 'commander';
import { sourceOf, type ValueSource } from '../grammar/values.ts';

export type Candidate = { value: string; words: string };

/**
 * `lead` is what stands before the value in the same word, `--id=`. `given` are the flags so far, by their long names
 * without dashes, with their values.
 */
export type Wanted = {
  candidates: Candidate[];
  source?: ValueSource;
  lead?: string;
  given: Record<string, string>;
};

/** @param words what was typed after the program's name; the last one is being typed. */
export function wanted(program: Command, words: readonly string[]): Wanted {
  const typed = words.at(-1) ?? '';
  const { command, pending, places, given, isOnlyArguments } = read(program, words.slice(0, -1));
  if (pending !== undefined && !isFlagInstead(pending, typed)) return { ...valuesOf(pending, typed), given };
  const joined = isOnlyArguments ? undefined : valueAfterEquals(command, typed);
  if (joined !== undefined) return { ...joined, given };
  if (typed.startsWith('-') && !isOnlyArguments) {
    const flags = flagsOf(command, given);
    return { candidates: flags.filter(({ value }) => value.startsWith(typed)), given };
  }
  const commands = visible(command).map((sub) => ({ value: sub.name(), words: sub.description() }));
  const argument = argumentAt(command, places);
  const values = argument === undefined ? { candidates: [] } : valuesOf(argument, typed);
  return {
    ...values,
    candidates: [...commands, ...values.candidates].filter(({ value }) => value.startsWith(typed)),
    given,
  };
}

/** A flag whose value may be left out is followed by the next flag as well. */
function isFlagInstead(pending: Option, word: string): boolean {
  return pending.optional && word.startsWith('-');
}

/** `--id=gpu`: the value of a flag that is in the same word. */
function valueAfterEquals(command: Command, typed: string): Omit<Wanted, 'given'> | undefined {
  const [flag = '', ...value] = typed.split('=');
  if (value.length === 0) return undefined;
  const option = optionsOf(command).find(({ long }) => long === flag);
  if (option === undefined) return { candidates: [] };
  return { ...valuesOf(option, value.join('=')), lead: `${flag}=` };
}

type Reading = {
  command: Command;
  /** The flag whose value comes next. */
  pending: Option | undefined;
  /** How many arguments of the command are there already. */
  places: number;
  given: Record<string, string>;
  isOnlyArguments: boolean;
};

function read(program: Command, words: readonly string[]): Reading {
  const reading: Reading = {
    command: program,
    pending: undefined,
    places: 0,
    given: {},
    isOnlyArguments: false,
  };
  for (const word of words) {
    const { command, pending } = reading;
    if (pending !== undefined && !isFlagInstead(pending, word)) {
      reading.given[pending.name()] = word;
      reading.pending = undefined;
      continue;
    }
    reading.pending = undefined;
    if (reading.isOnlyArguments || !word.startsWith('-')) {
      const sub = reading.places === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      if (sub === undefined) reading.places += 1;
      else reading.command = sub;
    } else if (word === '--') {
      reading.isOnlyArguments = true;
    } else {
      const [flag = '', ...value] = word.split('=');
      const option = optionsOf(command).find((one) => one.long === flag || one.short === flag);
      if (option === undefined) continue;
      if (value.length > 0) reading.given[option.name()] = value.join('=');
      else if (option.required || option.optional) reading.pending = option;
      else reading.given[option.name()] = '';
    }
  }
  return reading;
}

/** Its own, and those of what it belongs to: commander takes them in any place. */
function optionsOf(command: Command): Option[] {
  return [...command.options, ...(command.parent === null ? [] : optionsOf(command.parent))];
}

/** A flag that is there already is not offered again. */
function flagsOf(command: Command, given: Record<string, string>): Candidate[] {
  const help = { value: '--help', words: 'what it takes' };
  const flags = optionsOf(command)
    .filter((option) => !option.hidden && !Object.hasOwn(given, option.name()))
    .map((option) => ({ value: option.long ?? option.short ?? '', words: option.description }));
  return [...flags, help];
}

function visible(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((sub) => sub.name() !== 'help');
}

function argumentAt(command: Command, place: number): Argument | undefined {
  const last = command.registeredArguments.at(-1);
  return command.registeredArguments[place] ?? (last?.variadic === true ? last : undefined);
}

function valuesOf(
  taken: Option | Argument,
  typed: string,
): { candidates: Candidate[]; source?: ValueSource } {
  const candidates = (taken.argChoices ?? [])
    .filter((value) => value.startsWith(typed))
    .map((value) => ({ value, words: '' }));
  const source = sourceOf(taken);
  return { candidates, ...(source !== undefined && { source }) };
}
