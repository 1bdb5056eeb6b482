// Owns what the reporter tells the sandbox program: where its server is reached and what it may see.

export type Plan = {
  /** Where the server listens, and where it is reached: the same address inside and on the host. */
  host: string;
  port: number;
  /** A folder of this sandbox alone, for the socket between its two ends. */
  socketDir: string;
  /** Seen read-only, as they are named. */
  read: readonly string[];
  /** Seen and written. */
  write: readonly string[];
  /** GPUs and NPUs. */
  devices: boolean;
  /** The working directory is the manifest's, and so it is seen; the reporter's own is not. */
  workdir: boolean;
  /** Names of variables that the manifest sets: these are given to the server beside the usual ones. */
  env: readonly string[];
};

/** Where the socket's folder is inside. */
export const INNER_FOLDER = '/run/arw';
/** What the outer end says on the inner one's standard input: fetch one more connection; end the server. */
export const FETCH = 'f';
export const END = 'e';

/** Relative, since a socket's whole path may have 107 bytes at most. */
export const SOCKET_NAME = 'server.sock';

/** @throws where the text is not what `JSON.stringify(plan)` made: the reporter and this program are one release. */
export function parsePlan(text: string | undefined): Plan {
  const value: unknown = JSON.parse(text ?? '');
  if (!isPlan(value)) throw new Error('the plan is not one of this release');
  return value;
}

function isPlan(value: unknown): value is Plan {
  if (typeof value !== 'object' || value === null) return false;
  const plan: Partial<Record<keyof Plan, unknown>> = value;
  return (
    typeof plan.host === 'string' &&
    typeof plan.port === 'number' &&
    typeof plan.socketDir === 'string' &&
    [plan.read, plan.write, plan.env].every((list) => Array.isArray(list)) &&
    typeof plan.devices === 'boolean' &&
    typeof plan.workdir === 'boolean'
  );
}
