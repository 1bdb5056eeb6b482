// Owns what the doctor makes of answers: pure, with times as arguments.

import type { Matrix, Nodes } from '../../contract/read-models.ts';
import { ageWords } from '../render/node-table.ts';
import { fail, ok, skipped, warn, type Finding } from './finding.ts';

const SKEW_WARN_SECONDS = 5;
const SKEW_FAIL_SECONDS = 60;
const SET_CLOCK =
  "let this host keep time (timedatectl set-ntp true): ages and expiries are told by the hub's clock";

/** The header has whole seconds, and was written at some moment between asking and answer. */
export function judgeClock(date: string | undefined, askedAtMs: number, answeredAtMs: number): Finding {
  const hubMs = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(hubMs)) return skipped('clock', 'the hub does not tell its time');
  const aheadMs = Math.max(0, askedAtMs - (hubMs + 999)) - Math.max(0, hubMs - answeredAtMs);
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const what = `this host is ${seconds} s ${aheadMs < 0 ? 'behind' : 'ahead of'} the hub`;
  if (seconds > SKEW_FAIL_SECONDS) return fail('clock', what, SET_CLOCK);
  if (seconds > SKEW_WARN_SECONDS) return warn('clock', what, SET_CLOCK);
  return ok('clock', seconds === 0 ? 'agrees with the hub' : what);
}

/** Programs and hubs of one minor version understand each other; before 1.0 a minor one may change anything. */
export function judgeVersion(own: string, hub: string): Finding {
  const [ownMajor, ownMinor] = own.split('.');
  const [major, minor] = hub.split('.');
  const told = `hub ${hub}, arw-cli ${own}`;
  if (ownMajor === major && ownMinor === minor) return ok('version', told);
  return warn('version', told, 'install the same version on both sides');
}

export function judgeNodes(nodes: Nodes['nodes'], matrix: Matrix): Finding[] {
  const ttl = ok('ttl', `ttl_seconds ${matrix.ttl_seconds}: who is silent for longer is shown as offline`);
  const never = nodes.filter(({ node }) => matrix.items[node] === undefined).map(({ node }) => node);
  const stale = Object.entries(matrix.items).filter(([, item]) => item.stale);
  const heard = Object.keys(matrix.items).length - stale.length;
  const none = warn(
    'nodes',
    'no node is enrolled',
    'make a token for the first host with "arw-cli join-token"',
  );
  return [
    ttl,
    nodes.length === 0 ? none : ok('nodes', `${nodes.length} enrolled, ${heard} heard within the TTL`),
    ...stale.map(([node, item]) =>
      fail(
        `node ${node}`,
        `past its TTL: last heard ${ageWords(item.age_seconds)} ago`,
        `on that host look at "arw-reporter doctor" and "arw-reporter status"; a host that is gone for good leaves with "arw-cli node remove ${node}"`,
      ),
    ),
    ...never.map((node) =>
      warn(
        `node ${node}`,
        'enrolled, but not heard, or not for a long time',
        `start its reporter ("arw-reporter doctor" there says what is missing), or take it out with "arw-cli node remove ${node}"`,
      ),
    ),
  ];
}
