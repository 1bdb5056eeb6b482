// Owns what an operator may tune and how a value is read: what makes no sense means the default, never a failure.

const TTL_SECONDS = { default: 60, min: 10, max: 900 };
const RETENTION_HOURS = { default: 24, min: 1, max: 24 * 90 };

/** The upper bound keeps a question to every shard within the subrequests that one invocation may make. */
const SHARDS = { default: 1, min: 1, max: 256 };

/** A heartbeat writes no row: rows cost more than anything else on the platform. At home they cost next to nothing. */
const HEARTBEAT_WRITE_SECONDS = { default: 60, min: 1, max: 60 };

const HOUR_MS = 3_600_000;

type Range = { default: number; min: number; max: number };

/** A variable as the platform hands it over: text from the environment, a number from a configuration file. */
export type Setting = string | number | undefined;

export function ttlSeconds(setting: Setting): number {
  return clamped(setting, TTL_SECONDS);
}

export function retentionMs(setting: Setting): number {
  return clamped(setting, RETENTION_HOURS) * HOUR_MS;
}

export function heartbeatWriteMs(setting: Setting): number {
  return clamped(setting, HEARTBEAT_WRITE_SECONDS) * 1000;
}

/** More shards than this there never are. */
export const MAX_SHARDS = SHARDS.max;

export function shardCount(setting: Setting): number {
  return clamped(setting, SHARDS);
}

const LOCATION_HINTS = new Set(['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me']);

export type Placement = { locationHint?: string; jurisdiction?: string };

/**
 * Where objects live. A hint is a wish, so one that nobody knows is no wish. A jurisdiction is a promise to others: it is
 * passed on as it is, and the platform refuses one that it does not know, rather than that data is kept elsewhere.
 */
export function placement(hint: Setting, jurisdiction: Setting): Placement {
  const [wished, promised] = [hint, jurisdiction].map((setting) =>
    String(setting ?? '')
      .trim()
      .toLowerCase(),
  );
  return {
    ...(wished !== undefined && LOCATION_HINTS.has(wished) && { locationHint: wished }),
    ...(promised !== undefined && promised !== '' && { jurisdiction: promised }),
  };
}

/** Only a clear yes is one. */
export function isOn(setting: Setting): boolean {
  return ['1', 'true', 'yes', 'on'].includes(
    String(setting ?? '')
      .trim()
      .toLowerCase(),
  );
}

function clamped(setting: Setting, range: Range): number {
  const text = String(setting ?? '').trim();
  const value = text === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) return range.default;
  return Math.min(range.max, Math.max(range.min, Math.trunc(value)));
}
