// Owns the URL of a receiver: parsed as the platform will parse it, judged, and shown without what is secret in it.

import { problem } from '../../../contract/problem.ts';
import { targetFault } from '../../domain/alert-target.ts';
import { fail, type Result } from '../../domain/parse.ts';

/** The URL as it will be called. */
export function checkedTarget(text: string, allowsLocal: boolean): Result<string> {
  if (!URL.canParse(text)) return unusable('is no URL: write it as https://host/path');
  const url = new URL(text);
  const fault = targetFault(url, allowsLocal);
  if (fault !== undefined) return unusable(fault);
  url.hash = '';
  return { ok: true, value: url.href };
}

/** What may be shown of a URL that is a secret. */
export function targetOrigin(url: string): string {
  return new URL(url).origin;
}

/** What a receiver said, which may hold what of its URL is a secret. */
export function withoutPath(text: string, url: string): string {
  const { pathname, search } = new URL(url);
  const secrets = [pathname + search, pathname, search].filter((secret) => secret.length > 1);
  return secrets.reduce((told, secret) => told.replaceAll(secret, '…'), text);
}

function unusable(why: string): Result<string> {
  return fail(problem('alert-unusable', `The "url" of the receiver ${why}`));
}
