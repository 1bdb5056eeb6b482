// Owns what a matrix must tell: each item in words, none blank, and fresh.

import * as v from 'valibot';
import { MatrixSchema, type MatrixItem } from '../../contract/read-models.ts';

/** One sentence for each fault of the body of `/state/runtime_matrix`; none where it is as it must be. */
export function matrixFaults(body: unknown): string[] {
  // Labels, severity labels and lines of detail that are missing or blank are no matrix: the schema says where.
  const parsed = v.safeParse(MatrixSchema, body);
  if (!parsed.success) {
    return parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'the body'}: ${issue.message}`);
  }
  const { items, ttl_seconds: ttlSeconds, updated } = parsed.output;
  const faults = Object.entries(items).flatMap(([node, item]) =>
    itemFaults(item, Date.parse(updated), ttlSeconds).map((fault) => `items.${node}: ${fault}`),
  );
  if (Object.keys(items).length === 0) faults.push('items: there is none');
  if (ttlSeconds <= 0) faults.push('ttl_seconds: must be positive');
  return faults;
}

/** `atMs` is the hub's clock; a node may be told a longer TTL than the operator's, which its `expires_at` says. */
function itemFaults(item: MatrixItem, atMs: number, ttlSeconds: number): string[] {
  const faults: string[] = [];
  if (item.status.aria_hint.trim() === '') faults.push('status.aria_hint: must not be blank');
  if (item.stale) faults.push(`stale: nothing was heard for ${item.age_seconds} s`);
  const receivedMs = Date.parse(item.received_at);
  const allowedMs = Math.max(Date.parse(item.expires_at) - receivedMs, ttlSeconds * 1000);
  const ageMs = atMs - Date.parse(item.runtime.updated);
  if (ageMs > allowedMs) {
    faults.push(`runtime.updated: ${Math.round(ageMs / 1000)} s old, past its ${allowedMs / 1000} s`);
  }
  return faults;
}
