// Owns the gateway's settings: environment before manifest before defaults. Loaded also where the gateway is off.

import { ConfigError } from '../config.ts';
import type { Manifest } from '../manifest-schema.ts';

const DEFAULT_PORT = 8780;

export type GatewaySettings = {
  /** 0 lets the system choose; the log says which. */
  port: number;
  /** What clients must send as bearer token; undefined lets every program of this host in. */
  apiKey: string | undefined;
};

/**
 * @param port what the environment says.
 * @returns undefined where the manifest switches the gateway off.
 * @throws ConfigError where the manifest names a variable that is not set.
 */
export function gatewaySettings(
  table: Manifest['gateway'],
  port: number | undefined,
  env: Readonly<Record<string, string | undefined>>,
): GatewaySettings | undefined {
  if (table?.enabled === false) return undefined;
  const name = table?.api_key_env;
  // A file that holds a key often ends in a line feed; no client sends one.
  const apiKey = name === undefined ? undefined : env[name]?.trim();
  if (name !== undefined && (apiKey === undefined || apiKey === '')) {
    throw new ConfigError(
      `gateway.api_key_env names ${name}, which is not set; set it to the key, or remove the line`,
    );
  }
  return { port: port ?? table?.port ?? DEFAULT_PORT, apiKey };
}
