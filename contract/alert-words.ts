// Owns what a person reads of an alert, on the page as on the command line; and the request that leaves it as it is, of
// which a change takes what it does not touch.

import {
  ALERT_KINDS,
  type Alert,
  type AlertItem,
  type AlertKind,
  type AlertRequest,
  type AlertShape,
} from './alerts.ts';

const SHAPES: Record<AlertShape, string> = { generic: 'HTTP receiver', slack: 'Slack', discord: 'Discord' };

const KINDS: Record<AlertKind, string> = {
  'runtime.state': 'runtimes that do not serve',
  'node.stale': 'silent nodes',
  'budget.exhausted': 'spent restart budgets',
};

export function shapeWords(shape: AlertShape): string {
  return SHAPES[shape];
}

export function kindWords(kind: AlertKind): string {
  return KINDS[kind];
}

/** `silent nodes, spent restart budgets` */
export function kindsWords({ kinds }: Pick<Alert, 'kinds'>): string {
  return ALERT_KINDS.filter((kind) => kinds.includes(kind))
    .map(kindWords)
    .join(', ');
}

/** `the whole fleet`, `node gpu-01`, `runtimes llama, embed of every node` */
export function aboutWords({ nodes, runtimes }: Pick<Alert, 'nodes' | 'runtimes'>): string {
  if (runtimes === undefined) return nodes === undefined ? 'the whole fleet' : named('node', nodes);
  return `${named('runtime', runtimes)} of ${nodes === undefined ? 'every node' : named('node', nodes)}`;
}

/** Of an origin the host, with its port where it has one. */
export function hostOf({ target }: Pick<Alert, 'target'>): string {
  return target.replace(/^https?:\/\//, '');
}

/** What it tells of, a name and its words for each. */
export function ruleFacts(alert: Alert): (readonly [name: string, words: string])[] {
  const { min_severity: severity, grace_seconds: grace, recoveries, shape, signed } = alert;
  return [
    ['Tells of', kindsWords(alert)],
    ['About', aboutWords(alert)],
    ['Severity', severity === 'error' ? 'errors only' : 'warnings and errors'],
    ['Grace', grace === 0 ? 'none: told at once' : `${grace} s`],
    ['Recovery', recoveries ? 'told' : 'not told'],
    ...(shape === 'generic' ? [['Signature', signed ? 'signed' : 'none'] as const] : []),
  ];
}

/** `12 delivered, 1 queued, 3 dropped`: what there is none of is left out. */
export function deliveryWords({ delivery }: Pick<Alert, 'delivery'>): string {
  const { queued, delivered, dropped } = delivery;
  return [
    `${delivered} delivered`,
    ...(queued > 0 ? [`${queued} queued`] : []),
    ...(dropped > 0 ? [`${dropped} dropped`] : []),
  ].join(', ');
}

/** The last attempt failed: a hub forgets a failure when a message is delivered again. */
export function isFailing({ delivery }: Pick<Alert, 'delivery'>): boolean {
  return delivery.last_error !== undefined;
}

/** `PROBLEM` or `WARNING`: as the message of it begins. */
export function openWord({ severity }: Pick<AlertItem, 'severity'>): string {
  return severity === 'error' ? 'PROBLEM' : 'WARNING';
}

/** What is open, and how: `gpu-01/llama.70b: Error - exit code 1` */
export function openSentence({ node, runtime, summary }: AlertItem): string {
  return `${runtime === undefined ? node : `${node}/${runtime}`}: ${summary}`;
}

/** All that a request may say of it, but for the URL and the secret: those stay where they are not named. */
export function asItIs(alert: Alert): AlertRequest {
  const { shape, kinds, nodes, runtimes, grace_seconds, recoveries, enabled } = alert;
  return {
    shape,
    kinds,
    ...(nodes && { nodes }),
    ...(runtimes && { runtimes }),
    min_severity: alert.min_severity === 'error' ? 'error' : 'warn',
    grace_seconds,
    recoveries,
    enabled,
  };
}

function named(noun: string, names: readonly string[]): string {
  return `${noun}${names.length === 1 ? '' : 's'} ${names.join(', ')}`;
}
