// Owns the settings of a reporter: flags before environment before defaults, each checked, each fault in one sentence.

import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { NodeIdSchema } from '../contract/ids.ts';

/** A setting cannot be used; `message` says which and what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export type Flags = {
  hub?: string;
  node?: string;
  manifest?: string;
  stateDir?: string;
  stopChildren?: boolean;
  joinToken?: string;
};

export type Config = {
  hub: URL;
  node: string;
  manifestPath: string;
  stateDir: string;
  joinToken: string | undefined;
  /** End the children with the reporter; otherwise they outlive it and are adopted by the next one. */
  stopChildren: boolean;
  llamaServer: string;
  restart: { maxRestarts: number; windowSeconds: number };
  /** Comes before the manifest's; 0 lets the system choose. */
  gatewayPort: number | undefined;
};

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_MAX_RESTARTS = 3;
const DEFAULT_WINDOW_SECONDS = 600;
/** The same limits as in the manifest: a window that ends beyond the calendar could not be told as a time. */
const RESTARTS_MAX = 1000;
const WINDOW_SECONDS_MAX = 30 * 86_400;

/** Which node this is, and where its files are: all that is needed where no hub is asked. */
export type Place = Pick<Config, 'node' | 'manifestPath' | 'stateDir'>;

/** @throws ConfigError */
export function readPlace(flags: Flags, env: Environment): Place {
  const home = homedir();
  const node = flags.node ?? nonEmpty(env['ARW_NODE_ID']) ?? defaultNode();
  if (!v.is(NodeIdSchema, node)) {
    throw new ConfigError(
      `node id "${String(node)}" must be 1-63 letters, digits, ".", "_" or "-"; set --node or ARW_NODE_ID`,
    );
  }
  const stateHome = nonEmpty(env['XDG_STATE_HOME']) ?? join(home, '.local', 'state');
  const configHome = nonEmpty(env['XDG_CONFIG_HOME']) ?? join(home, '.config');
  return {
    node,
    manifestPath: resolve(
      flags.manifest ?? nonEmpty(env['ARW_MANIFEST']) ?? join(configHome, 'runtime-matrix', 'runtimes.toml'),
    ),
    stateDir: resolve(
      flags.stateDir ?? nonEmpty(env['ARW_STATE_DIR']) ?? join(stateHome, 'runtime-matrix', node),
    ),
  };
}

/** @throws ConfigError */
export function readHub(flags: Flags, env: Environment): URL {
  return hubUrl(flags.hub ?? nonEmpty(env['ARW_HUB_URL']));
}

export function readJoinToken(flags: Flags, env: Environment): string | undefined {
  return nonEmpty(flags.joinToken) ?? nonEmpty(env['ARW_JOIN_TOKEN']);
}

/** The llama-server of a runtime that names none. */
export function readLlamaServer(env: Environment): string {
  return nonEmpty(env['LLAMA_SERVER_BIN']) ?? 'llama-server';
}

/** @throws ConfigError */
export function readConfig(flags: Flags, env: Environment): Config {
  return {
    ...readPlace(flags, env),
    hub: readHub(flags, env),
    joinToken: readJoinToken(flags, env),
    stopChildren: flags.stopChildren === true,
    llamaServer: readLlamaServer(env),
    restart: {
      maxRestarts: wholeNumber(env, 'ARW_RUNTIME_RESTART_MAX', DEFAULT_MAX_RESTARTS, 0, RESTARTS_MAX),
      windowSeconds: wholeNumber(
        env,
        'ARW_RUNTIME_RESTART_WINDOW_SEC',
        DEFAULT_WINDOW_SECONDS,
        1,
        WINDOW_SECONDS_MAX,
      ),
    },
    gatewayPort: readGatewayPort(env),
  };
}

/** Undefined where the manifest's own, or the default, applies. @throws ConfigError */
export function readGatewayPort(env: Environment): number | undefined {
  const name = 'ARW_GATEWAY_PORT';
  return nonEmpty(env[name]) === undefined ? undefined : wholeNumber(env, name, 0, 0, 65_535);
}

function hubUrl(text: string | undefined): URL {
  if (text === undefined) throw new ConfigError('no hub is named; set --hub URL or ARW_HUB_URL');
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ConfigError(
      `"${text}" is no hub URL; it looks like https://hub.example or http://127.0.0.1:8787`,
    );
  }
  return url;
}

/** The hostname where it can be a node id, else `local`. */
function defaultNode(): string {
  const name = hostname();
  return v.is(NodeIdSchema, name) ? name : 'local';
}

function wholeNumber(env: Environment, name: string, otherwise: number, min: number, max: number): number {
  const text = nonEmpty(env[name]);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ConfigError(`${name}="${text}" must be a whole number from ${min} to ${max}`);
  }
  return value;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text;
}
