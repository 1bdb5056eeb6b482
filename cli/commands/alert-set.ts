// Owns `arw-cli alert set`: what is named is changed, and the rest stays. The URL and the secret are asked for where nobody
// may read them, and a secret that is made is shown this once.

import { randomBytes } from 'node:crypto';
import { asItIs, hostOf, shapeWords } from '../../contract/alert-words.ts';
import { AlertSchema, AlertsSchema, type AlertShape } from '../../contract/alerts.ts';
import { CliError, EXIT } from '../errors.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { print, printJson, progress } from '../output.ts';
import { askSecret } from '../terminal/ask.ts';
import { alertPath } from './alert-list.ts';

/** Where a list is given: all of them, also of those that are to come. No name is spelled so. */
export const ALL = '*';

/** Asked for, or piped in. */
const ASKED = '-';
const MADE = 'new';
const SECRET_BYTES = 32;

export type AlertSetOptions = {
  url?: string;
  shape?: AlertShape;
  /** False: it is taken away. */
  secret?: string | false;
  kinds?: string[];
  nodes?: string[];
  runtimes?: string[];
  minSeverity?: 'warn' | 'error';
  graceSecs?: number;
  recoveries?: boolean;
  enable?: boolean;
  disable?: boolean;
  json?: boolean;
};

export async function alertSet(hub: Hub, id: string, options: AlertSetOptions): Promise<void> {
  const { alerts } = expectBody(hub, await askHub(hub, 'GET', 'alerts'), AlertsSchema);
  const before = alerts.find((alert) => alert.id === id);
  const url = await urlOf(id, before !== undefined, options);
  const made = options.secret === MADE ? `whsec_${randomBytes(SECRET_BYTES).toString('base64')}` : undefined;
  const secret = options.secret === false ? null : (made ?? options.secret);
  const request = {
    ...changed(before === undefined ? {} : asItIs(before), options),
    ...(url !== undefined && { url }),
    ...(secret !== undefined && { secret }),
  };
  const alert = expectBody(hub, await askHub(hub, 'PUT', alertPath(id), request), AlertSchema);
  if (options.json === true) return printJson({ ...alert, ...(made !== undefined && { secret: made }) });
  const what = `${shapeWords(alert.shape)} at ${hostOf(alert)}${alert.enabled ? '' : ', switched off'}`;
  print(`alert ${id} ${before === undefined ? 'set' : 'changed'}: ${what}`);
  if (made !== undefined) print(`its secret, which is never shown again: ${made}`);
  if (before === undefined) progress(`Try it: arw-cli alert test ${id}`);
}

/** @returns undefined where it stays as it is. */
async function urlOf(id: string, isThere: boolean, { url }: AlertSetOptions): Promise<string | undefined> {
  if (url !== ASKED && (url !== undefined || isThere)) return url;
  const asked = await askSecret(`URL of the webhook for alert ${id} (it is not shown): `);
  if (asked === undefined) {
    throw new CliError(EXIT.usage, 'the URL of the webhook is missing: give --url, or pipe it in');
  }
  return asked;
}

type Kept = Record<string, unknown>;

function changed({ kinds, nodes, runtimes, ...kept }: Kept, options: AlertSetOptions): Kept {
  const { shape, minSeverity, graceSecs, recoveries, enable, disable } = options;
  const enabled = disable === true ? false : enable;
  return {
    ...kept,
    ...few('kinds', options.kinds ?? kinds),
    ...few('nodes', options.nodes ?? nodes),
    ...few('runtimes', options.runtimes ?? runtimes),
    ...(shape !== undefined && { shape }),
    ...(minSeverity !== undefined && { min_severity: minSeverity }),
    ...(graceSecs !== undefined && { grace_seconds: graceSecs }),
    ...(recoveries !== undefined && { recoveries }),
    ...(enabled !== undefined && { enabled }),
  };
}

/** All of them is how a request says nothing of them. */
function few(member: string, names: unknown): Kept {
  const isAll = names === undefined || (Array.isArray(names) && names.includes(ALL));
  return isAll ? {} : { [member]: names };
}
