// Owns the paths of the gateway. Only these are ever named, so that no client makes the telemetry grow.

export const MODELS = '/v1/models';
const RELAYED = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/embeddings',
  '/v1/rerank',
  '/v1/audio/transcriptions',
  '/v1/audio/translations',
] as const;
export const ROUTES = [MODELS, ...RELAYED] as const;

export type RouteName = (typeof ROUTES)[number] | 'other';
export type Route =
  | { kind: 'models'; name: RouteName; method: 'GET' }
  | { kind: 'relay'; name: RouteName; method: 'POST' }
  | { kind: 'other'; name: 'other' };

/** @param target as it stands in the request line, with its query. */
export function routeOf(target: string): Route {
  const path = target.split('?', 1)[0];
  if (path === MODELS) return { kind: 'models', name: MODELS, method: 'GET' };
  const relayed = RELAYED.find((name) => name === path);
  return relayed ? { kind: 'relay', name: relayed, method: 'POST' } : { kind: 'other', name: 'other' };
}
