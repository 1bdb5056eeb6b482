// Owns the file of profiles: hubs by name with their tokens, which nobody but its owner may read.

import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { CliError, EXIT } from '../errors.ts';

const ProfileName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1-63 letters, digits, ".", "_" or "-"'),
);
const ProfileSchema = v.strictObject({
  hub: v.pipe(v.string(), v.minLength(1)),
  token: v.optional(v.pipe(v.string(), v.minLength(1))),
});
const ProfileFileSchema = v.strictObject({
  default: v.optional(ProfileName),
  profiles: v.optional(v.record(ProfileName, ProfileSchema)),
});

export type Profile = v.InferOutput<typeof ProfileSchema>;

/** `mode` is undefined where there is no file yet, and where the system has no modes. */
export type ProfileFile = {
  path: string;
  mode?: number;
  default?: string;
  profiles: Record<string, Profile>;
};

type Environment = Readonly<Record<string, string | undefined>>;

export function profilePath(env: Environment): string {
  return join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'runtime-matrix', 'cli.toml');
}

/** A file that is not there has no profiles. @throws CliError where it cannot be understood. */
export async function readProfiles(path: string): Promise<ProfileFile> {
  let text: string;
  let mode: number;
  try {
    [text, { mode }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { path, profiles: {} };
    throw unusable(path, error instanceof Error ? error.message : String(error));
  }
  const { default: chosen, profiles = {} } = await parsed(path, text);
  return {
    path,
    ...(process.platform !== 'win32' && { mode: mode & 0o777 }),
    ...(chosen !== undefined && { default: chosen }),
    profiles,
  };
}

async function parsed(path: string, text: string): Promise<v.InferOutput<typeof ProfileFileSchema>> {
  // Loaded where there is a file, since most runs of the program are in scripts that have none.
  const { parse } = await import('smol-toml');
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw unusable(path, reason);
  }
  const checked = v.safeParse(ProfileFileSchema, value);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  throw unusable(path, `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
}

function unusable(path: string, reason: string): CliError {
  return new CliError(
    EXIT.usage,
    `${path} cannot be used (${reason}); mend it, or make it anew with "arw-cli login"`,
  );
}

/** True where others than the owner may read or write it. */
export function isOpenToOthers({ mode }: ProfileFile): boolean {
  return mode !== undefined && (mode & 0o077) !== 0;
}

/** Whole or not at all, and never readable by others, not even for a moment. */
export async function saveProfiles(file: ProfileFile): Promise<void> {
  const { stringify } = await import('smol-toml');
  // Who keeps the file elsewhere and links to it wants it to stay there.
  const path = await realpath(file.path).catch(() => file.path);
  const fresh = `${path}.${process.pid}.new`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const { default: chosen, profiles } = file;
    const text = stringify({ ...(chosen !== undefined && { default: chosen }), profiles });
    await writeFile(
      fresh,
      `# Written by arw-cli, which keeps no comments here. It holds tokens: mode 600.\n${text}`,
      {
        mode: 0o600,
        flag: 'wx',
      },
    );
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** @throws CliError */
export function checkedName(name: string): string {
  const checked = v.safeParse(ProfileName, name);
  if (checked.success) return name;
  throw new CliError(EXIT.usage, `"${name}" is no name of a profile: it ${checked.issues[0].message}`);
}
