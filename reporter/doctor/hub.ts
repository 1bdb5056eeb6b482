// Owns the look at the hub: does it answer, is it one, do our clocks agree, and does it take this node's token.

import type { Credentials } from '../credentials.ts';
import { codeOf } from '../errors.ts';
import { causeOf, postToHub } from '../uplink/hub-http.ts';
import * as v from 'valibot';
import { fail, ok, skipped, warn, type Finding } from './finding.ts';

const WITHIN_MS = 10_000;
const SKEW_WARN_SECONDS = 5;
const SKEW_FAIL_SECONDS = 60;
const SET_CLOCK = "let the host keep time (timedatectl set-ntp true): commands expire by the hub's clock";

export async function checkHub(hub: URL): Promise<Finding[]> {
  const url = new URL('healthz', hub);
  const askedAtMs = Date.now();
  let response: Response;
  try {
    response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(WITHIN_MS) });
  } catch (error) {
    return [
      fail('hub', `${hub.href} is not reachable: ${reasonOf(error)}`, remedyFor(error, hub)),
      noClock(),
    ];
  }
  const answeredAtMs = Date.now();
  const text = await response.text().catch(() => '');
  if (response.status !== 200 || text.trim() !== 'ok') {
    const what = `${url.href} answered ${response.status}, but not as a hub does`;
    return [
      fail('hub', what, 'check --hub or ARW_HUB_URL, and what stands between (proxy, login page)'),
      noClock(),
    ];
  }
  const tls = hub.protocol === 'https:' ? ', its certificate is valid' : '';
  return [
    ok('hub', `${hub.href} answers in ${answeredAtMs - askedAtMs} ms${tls}`),
    clock(response.headers.get('date'), askedAtMs, answeredAtMs),
  ];
}

/** The header has whole seconds, and was written at some moment between asking and answer. */
export function clock(date: string | null, askedAtMs: number, answeredAtMs: number): Finding {
  const hubMs = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(hubMs)) return skipped('clock', 'the hub does not tell its time');
  const aheadMs = Math.max(0, askedAtMs - (hubMs + 999)) - Math.max(0, hubMs - answeredAtMs);
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const what = `this host is ${seconds} s ${aheadMs < 0 ? 'behind' : 'ahead of'} the hub`;
  if (seconds > SKEW_FAIL_SECONDS) return fail('clock', what, SET_CLOCK);
  if (seconds > SKEW_WARN_SECONDS) return warn('clock', what, SET_CLOCK);
  return ok('clock', seconds === 0 ? 'agrees with the hub' : what);
}

/** Asks for something that there is not under the node's own token: nothing comes of it but who may ask. */
export async function checkToken({ node, token }: Credentials, hub: URL): Promise<Finding> {
  const answer = await postToHub({
    url: new URL(`nodes/${node}/commands/doctor`, hub),
    token,
    body: '{"state":"received"}',
    schema: v.unknown(),
    signal: AbortSignal.timeout(WITHIN_MS),
  });
  if (answer.ok || (answer.fault.kind === 'refused' && answer.fault.reason === 'unknown-job')) {
    return ok('token', `node ${node} is enrolled, and the hub takes its token`);
  }
  if (answer.fault.kind !== 'refused' || answer.fault.status >= 500) {
    return skipped(
      'token',
      `node ${node} is enrolled; the hub cannot be asked whether it still takes its token`,
    );
  }
  const remedy =
    'get a join token from its operator (arw-cli join-token) and run "arw-reporter enroll --force" with ARW_JOIN_TOKEN set';
  return fail('token', `the hub does not take the token of node ${node} any more`, remedy);
}

export function noClock(): Finding {
  return skipped('clock', 'compared with the hub once that answers');
}

function reasonOf(error: unknown): string {
  return error instanceof DOMException && error.name === 'TimeoutError'
    ? `no answer within ${WITHIN_MS / 1000} s`
    : causeOf(error);
}

function remedyFor(error: unknown, hub: URL): string {
  const code = codeOf(error) ?? '';
  if (/CERT|SIGNATURE|SSL|TLS|ISSUER/.test(code)) {
    return 'mend the certificate of the hub, or name its own authority in NODE_EXTRA_CA_CERTS';
  }
  if (code === 'ENOTFOUND')
    return `check the name ${hub.hostname} in --hub or ARW_HUB_URL, and this host's DNS`;
  if (code === 'ECONNREFUSED')
    return 'start the hub there (arw-hub), or check the port in --hub or ARW_HUB_URL';
  return 'check --hub or ARW_HUB_URL, and firewalls on the way out';
}
