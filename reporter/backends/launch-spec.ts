// Owns how a manifest entry and a preset become a command line.

import type { RuntimeEntry } from '../manifest-schema.ts';
import type { LaunchSpec } from '../supervisor/child.ts';

/** The entry's command line with the preset's arguments after its own, so that the preset wins. */
export function presetSpec(entry: RuntimeEntry, command: string, preset: string | undefined): LaunchSpec {
  const name = preset ?? entry.preset;
  const chosen = name === undefined ? undefined : entry.presets?.[name];
  return {
    command,
    args: [...(entry.process.args ?? []), ...(chosen?.args ?? [])],
    env: { ...entry.process.env, ...chosen?.env },
    workdir: entry.process.workdir,
  };
}

/** The value of a flag, the last one winning as it does for the program: `--port 80` and `--port=80` alike. */
export function flagValue(args: readonly string[], names: readonly string[]): string | undefined {
  let value: string | undefined;
  for (const [index, arg] of args.entries()) {
    const equals = arg.indexOf('=');
    if (names.includes(arg)) value = args[index + 1] ?? value;
    else if (equals > 0 && names.includes(arg.slice(0, equals))) value = arg.slice(equals + 1);
  }
  return value;
}
