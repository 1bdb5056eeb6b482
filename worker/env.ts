// Owns what the worker is given from outside: variables, the secret, the namespaces of its objects.

import type { Actor } from '../contract/audit.ts';
import type { Setting } from './domain/settings.ts';
import type { FleetRpc, NodeShardRpc } from './objects/rpc.ts';

/**
 * A namespace as this code uses it. The platform's own type turns an RPC result that holds `unknown` into `never`,
 * and payloads of nodes hold fields that this version does not know.
 */
export type Namespace<Stub> = {
  getByName(name: string, options?: { locationHint?: string }): Stub;
  idFromName(name: string): { toString(): string };
  /** The same names, for other objects: those that stay in the jurisdiction. */
  jurisdiction(name: string): Namespace<Stub>;
};

export type Env = {
  /** A secret: the first admin. Without it nobody is admin. */
  ARW_ADMIN_TOKEN?: string;
  ARW_RUNTIME_MATRIX_TTL_SEC?: Setting;
  ARW_RETENTION_HOURS?: Setting;
  ARW_HEARTBEAT_WRITE_SEC?: Setting;
  FLEET_SHARDS?: Setting;
  /** `1`: receivers of alerts may be in the hub's own network, and without TLS. */
  ARW_ALERT_LOCAL_TARGETS?: Setting;
  /** Where objects are made, and where they must stay; see `placement` in settings.ts. */
  ARW_LOCATION_HINT?: Setting;
  ARW_JURISDICTION?: Setting;
  /** The files of the dashboard. A hub without them serves the API alone. */
  ASSETS?: { fetch(request: Request): Promise<Response> };
  NODE_SHARD: Namespace<NodeShardRpc>;
  FLEET: Namespace<FleetRpc>;
};

/** What middleware leaves for the handlers. */
export type Variables = {
  requestId: string;
  /** SHA-256 of the presented node token, hex. Only the shard of the node can say whether it admits. */
  tokenHash: string;
  /** Whose token admitted the request. Behind `requireAdmin` alone. */
  actor: Actor;
  /** Until when their session lasts, ms; undefined where they sent a token. */
  sessionUntil: number | undefined;
};

export type HubEnv = { Bindings: Env; Variables: Variables };
