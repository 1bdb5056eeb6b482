// Owns `arw-cli profile`: which hubs are kept by name, and which of them is meant where none is named.

import { CliError, EXIT } from '../errors.ts';
import { columnsOf, print, printJson, printLines } from '../output.ts';
import { lineOf } from '../render/line.ts';
import { block } from '../render/table.ts';
import { profilePath, readProfiles, saveProfiles, type ProfileFile } from '../settings/profile-file.ts';

type Json = { json?: boolean };

export async function profileList({ json = false }: Json): Promise<void> {
  const { path, default: chosen, profiles } = await readProfiles(profilePath(process.env));
  const names = Object.keys(profiles).toSorted();
  if (json) {
    return printJson({
      path,
      profiles: names.map((name) => ({
        name,
        hub: profiles[name]?.hub,
        has_token: profiles[name]?.token !== undefined,
        default: name === chosen,
      })),
    });
  }
  const none = 'Keep a hub and its token with "arw-cli login --hub https://hub.example".';
  const rows = names.map((name) => [
    name,
    profiles[name]?.hub ?? '',
    [profiles[name]?.token === undefined && 'no token', name === chosen && 'the default']
      .filter((word) => word !== false)
      .join(', '),
  ]);
  printLines([
    lineOf(`Profiles: ${names.length} in ${path}`),
    ...(names.length === 0 ? [lineOf(none)] : []),
    ...block(rows, columnsOf(process.stdout)).flat(),
  ]);
}

export async function profileUse(name: string, { json = false }: Json): Promise<void> {
  const file = await withProfile(name);
  await saveProfiles({ ...file, default: name });
  if (json) return printJson({ default: name });
  print(`profile "${name}" is meant from now on where none is named`);
}

export async function profileRemove(name: string, { json = false }: Json): Promise<void> {
  const { path, profiles, default: chosen } = await withProfile(name);
  const { [name]: _removed, ...rest } = profiles;
  await saveProfiles({
    path,
    profiles: rest,
    ...(chosen !== undefined && chosen !== name && { default: chosen }),
  });
  if (json) return printJson({ removed: name });
  print(`profile "${name}" is removed; its token is still good at its hub`);
}

async function withProfile(name: string): Promise<ProfileFile> {
  const file = await readProfiles(profilePath(process.env));
  if (Object.hasOwn(file.profiles, name)) return file;
  const names = Object.keys(file.profiles);
  const known = names.length === 0 ? 'there are none' : `there are ${names.join(', ')}`;
  throw new CliError(EXIT.failed, `there is no profile "${name}" in ${file.path}: ${known}`);
}
