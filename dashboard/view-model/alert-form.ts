// Owns the form of an alert: what it holds of one that is there, and the request that it makes, or which field is why not.

import * as v from 'valibot';
import { asItIs } from '../../contract/alert-words.ts';
import {
  ALERT_GRACE_DEFAULT_SECONDS,
  ALERT_KINDS,
  AlertIdSchema,
  AlertRequestSchema,
  type Alert,
  type AlertKind,
  type AlertRequest,
  type AlertShape,
} from '../../contract/alerts.ts';

/** As it is typed. An empty `url` or `secret` of one that is there leaves what it has. */
export type AlertForm = {
  id: string;
  shape: AlertShape;
  url: string;
  secret: string;
  isUnsigned: boolean;
  kinds: readonly AlertKind[];
  nodes: string;
  runtimes: string;
  minSeverity: 'warn' | 'error';
  grace: string;
  recoveries: boolean;
};
export type Field = keyof AlertForm;
export type Submission =
  | { ok: true; id: string; request: AlertRequest }
  | { ok: false; field: Field; told: string };

const NEW: AlertForm = {
  id: '',
  shape: 'slack',
  url: '',
  secret: '',
  isUnsigned: false,
  kinds: ALERT_KINDS,
  nodes: '',
  runtimes: '',
  minSeverity: 'warn',
  grace: String(ALERT_GRACE_DEFAULT_SECONDS),
  recoveries: true,
};

export function formOf(alert: Alert | undefined): AlertForm {
  if (alert === undefined) return NEW;
  const { id, shape, kinds, nodes = [], runtimes = [], recoveries } = alert;
  return {
    ...NEW,
    id,
    shape,
    kinds,
    nodes: nodes.join(', '),
    runtimes: runtimes.join(', '),
    minSeverity: alert.min_severity === 'error' ? 'error' : 'warn',
    grace: String(alert.grace_seconds),
    recoveries,
  };
}

/** They are of one receiver: who touched one of them meant it with the shape that the form has. */
const OF_RECEIVER: readonly string[] = ['url', 'secret', 'isUnsigned'] satisfies Field[];

/**
 * The request of a form that `submissionOf` took: what was not touched in it is as it is now, whatever somebody else changed
 * while it was open.
 * @param opened the form as it was when it was opened
 */
export function changeOf(form: AlertForm, opened: AlertForm, now: Alert): AlertRequest {
  const before = new Map<string, unknown>(Object.entries(opened));
  const touched = Object.entries(form).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(before.get(field)),
  );
  const isReceiver = touched.some(([field]) => OF_RECEIVER.includes(field));
  const mine: Partial<AlertForm> = {
    ...Object.fromEntries(touched),
    ...(isReceiver && { shape: form.shape }),
  };
  // Each field is checked for itself, and was.
  return v.parse(AlertRequestSchema, requestOf({ ...formOf(now), ...mine }, now));
}

/** @param taken names of alerts that are there: a new one must not replace one of them unseen. */
export function submissionOf(
  form: AlertForm,
  before: Alert | undefined,
  taken: readonly string[],
): Submission {
  const id = v.safeParse(AlertIdSchema, form.id.trim());
  if (!id.success) return wrong('id', `The name ${id.issues[0].message}`);
  if (before === undefined && taken.includes(id.output)) {
    return wrong('id', `There is an alert "${id.output}": change that one, or choose another name`);
  }
  const url = form.url.trim();
  if (before === undefined && url === '') return wrong('url', 'The address of the receiver is missing');
  if (form.kinds.length === 0) return wrong('kinds', 'Choose at least one kind of problem');
  const request = v.safeParse(AlertRequestSchema, requestOf(form, before));
  if (request.success) return { ok: true, id: id.output, request: request.output };
  const [issue] = request.issues;
  const field = FIELDS[String(issue.path?.[0]?.key)] ?? 'url';
  return wrong(field, `${NAMES[field]} ${issue.message}`);
}

/** What the form does not have, such as the switch, stays as it is. */
function requestOf(form: AlertForm, before: Alert | undefined): Record<string, unknown> {
  const { shape, kinds, minSeverity, recoveries } = form;
  const { nodes: _nodes, runtimes: _runtimes, ...kept } = before === undefined ? {} : asItIs(before);
  const url = form.url.trim();
  const nodes = listOf(form.nodes);
  const runtimes = listOf(form.runtimes);
  return {
    ...kept,
    shape,
    ...(url !== '' && { url }),
    ...(shape === 'generic' && secretOf(form)),
    kinds,
    ...(nodes.length > 0 && { nodes }),
    ...(runtimes.length > 0 && { runtimes }),
    min_severity: minSeverity,
    grace_seconds: /^\s*\d+\s*$/.test(form.grace) ? Number(form.grace) : Number.NaN,
    recoveries,
  };
}

function secretOf({ secret, isUnsigned }: AlertForm): { secret?: string | null } {
  if (isUnsigned) return { secret: null };
  return secret.trim() === '' ? {} : { secret: secret.trim() };
}

/** Between commas or blanks, as people write lists. */
function listOf(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter((name) => name !== ''))];
}

const FIELDS: Record<string, Field> = {
  url: 'url',
  secret: 'secret',
  kinds: 'kinds',
  nodes: 'nodes',
  runtimes: 'runtimes',
  grace_seconds: 'grace',
};

const NAMES: Record<Field, string> = {
  id: 'The name',
  shape: 'The receiver',
  url: 'The address',
  secret: 'The secret',
  isUnsigned: 'The secret',
  kinds: 'The kinds',
  nodes: 'A node’s name',
  runtimes: 'A runtime’s name',
  minSeverity: 'The severity',
  grace: 'The grace',
  recoveries: 'The end',
};

function wrong(field: Field, told: string): Submission {
  return { ok: false, field, told };
}
