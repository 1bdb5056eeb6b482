// Owns which hub is asked and under which token: flags before environment before file, and where each value is from.
// A profile that a flag names is a word of now: it comes before an environment that was set for something else.

import { CliError, EXIT } from '../errors.ts';
import type { Hub } from '../hub-client.ts';
import { isOpenToOthers, profilePath, readProfiles, type Profile, type ProfileFile } from './profile-file.ts';

export const DEFAULT_HUB_URL = 'http://127.0.0.1:8787';

export type HubFlags = { hub?: string; token?: string; profile?: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** A value, and in words where it is from. */
export type Setting<T> = { value: T; from: string };

export type Settings = {
  hub: Setting<URL>;
  token: Setting<string> | undefined;
  /** What to do where the hub refuses the token, or none was found. */
  remedy: string;
  /** The profile that was chosen, whether or not anything was taken from it. */
  profile: string | undefined;
};

/** @throws CliError */
export async function settingsFrom(flags: HubFlags, env: Environment): Promise<Settings> {
  const isComplete = [flags.hub ?? env['ARW_HUB_URL'], flags.token ?? env['ARW_ADMIN_TOKEN']].every(Boolean);
  const isWhole = flags.profile === undefined ? isComplete : Boolean(flags.hub && flags.token);
  const file = isWhole ? undefined : await readProfiles(profilePath(env));
  return decide(flags, env, file);
}

/** @throws CliError */
export async function hubFrom(flags: HubFlags, env: Environment): Promise<Hub> {
  const { hub, token, remedy } = await settingsFrom(flags, env);
  return { url: hub.value, token: token?.value, remedy };
}

/** @param file undefined where nothing of it is needed. @throws CliError */
export function decide(flags: HubFlags, env: Environment, file: ProfileFile | undefined): Settings {
  const chosen = file === undefined ? undefined : choose(flags, env, file);
  const hub = hubSetting(flags, env, chosen);
  const profile = chosen?.name;
  const isHeeded = isTokenHeeded(flags, env, chosen);
  const given = tokenGiven(flags, isHeeded ? env : {});
  if (given !== undefined) return { hub, token: given, remedy: 'check ARW_ADMIN_TOKEN or --token', profile };
  const ways = isHeeded ? 'set ARW_ADMIN_TOKEN or --token' : 'set --token';
  if (file === undefined || chosen?.profile.token === undefined) {
    return { hub, token: undefined, remedy: ways, profile };
  }
  const { name } = chosen;
  // A token goes to nobody but the hub that it is of.
  const own = urlOf(chosen.profile.hub, `profile "${name}"`);
  if (baseOf(own) !== baseOf(hub.value)) {
    const remedy = `${ways}: the token of profile "${name}" is only for ${baseOf(own).replace(/\/$/, '')}`;
    return { hub, token: undefined, remedy, profile };
  }
  if (isOpenToOthers(file)) {
    throw new CliError(
      EXIT.usage,
      `${file.path} holds a token and others may read it; take that away with "chmod 600 ${file.path}"`,
    );
  }
  return {
    hub,
    token: { value: chosen.profile.token, from: `profile "${name}" in ${file.path}` },
    remedy: `log in again with "arw-cli login --profile ${name}"`,
    profile,
  };
}

type Chosen = { name: string; profile: Profile; path: string };

/** The one that is named, else the default of the file, else its only one. */
function choose(
  flags: HubFlags,
  env: Environment,
  { path, profiles, default: standard }: ProfileFile,
): Chosen | undefined {
  const names = Object.keys(profiles);
  const named = flags.profile ?? (env['ARW_PROFILE'] || undefined);
  const name = named ?? standard ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) {
    if (names.length === 0 || isHubNamed(flags, env)) return undefined;
    throw new CliError(
      EXIT.usage,
      `which hub? Name a profile with --profile (${names.join(', ')}), or choose one with "arw-cli profile use"`,
    );
  }
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile !== undefined) return { name, profile, path };
  const known = names.length === 0 ? 'it has none yet' : `it has ${names.join(', ')}`;
  throw new CliError(
    EXIT.usage,
    `there is no profile "${name}" in ${path}: ${known}; make it with "arw-cli login --profile ${name}"`,
  );
}

function isHubNamed(flags: HubFlags, env: Environment): boolean {
  return Boolean(flags.hub ?? env['ARW_HUB_URL']);
}

function hubSetting(flags: HubFlags, env: Environment, chosen: Chosen | undefined): Setting<URL> {
  const inEnvironment = (flags.profile === undefined && env['ARW_HUB_URL']) || undefined;
  if (flags.hub !== undefined) return { value: urlOf(flags.hub, '--hub'), from: '--hub' };
  if (inEnvironment !== undefined) return { value: urlOf(inEnvironment, 'ARW_HUB_URL'), from: 'ARW_HUB_URL' };
  if (chosen === undefined) return { value: urlOf(DEFAULT_HUB_URL, ''), from: 'default' };
  const from = `profile "${chosen.name}" in ${chosen.path}`;
  return { value: urlOf(chosen.profile.hub, from), from };
}

/** Beside a profile named by flag, the token of the environment is not for its hub where either has another for itself. */
function isTokenHeeded(flags: HubFlags, env: Environment, chosen: Chosen | undefined): boolean {
  if (flags.profile === undefined) return true;
  return chosen?.profile.token === undefined && !env['ARW_HUB_URL'];
}

/** What all paths of the hub begin with: several hubs may share an origin. */
function baseOf(url: URL): string {
  return new URL('.', url).href;
}

function tokenGiven(flags: HubFlags, env: Environment): Setting<string> | undefined {
  if (flags.token) return { value: flags.token, from: '--token' };
  const inEnvironment = env['ARW_ADMIN_TOKEN'] || undefined;
  return inEnvironment === undefined ? undefined : { value: inEnvironment, from: 'ARW_ADMIN_TOKEN' };
}

function urlOf(text: string, from: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new CliError(
    EXIT.usage,
    `"${text}" (${from}) is no hub URL; set --hub or ARW_HUB_URL to one like https://hub.example`,
  );
}
