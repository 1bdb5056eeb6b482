// Owns the text of `alert list` and `alert show`: alerts in, lines out.

import {
  deliveryWords,
  hostOf,
  isFailing,
  kindsWords,
  openSentence,
  openWord,
  ruleFacts,
  shapeWords,
} from '../../contract/alert-words.ts';
import type { Alert, AlertItem } from '../../contract/alerts.ts';
import { paragraph, styled, type Line, type Span, type Words } from './line.ts';
import { styleOfSeverity } from './styles.ts';
import { block, table, type Column } from './table.ts';
import { toSeconds } from './time.ts';

const COLUMNS: readonly Column[] = [
  { title: 'ALERT', min: 12, cut: 'inside' },
  { title: 'STATE' },
  { title: 'RECEIVER', min: 16, cut: 'inside' },
  { title: 'OPEN', align: 'right' },
  { title: 'DELIVERY', drop: 1, min: 12, cut: 'wrap' },
  { title: 'TELLS OF', drop: 2, min: 24, cut: 'wrap' },
];

const NONE =
  'The hub tells nobody yet: "arw-cli alert set slack --shape slack" asks for the URL of a webhook.';

/** @param columns the width of the terminal; undefined where there is none, and lines keep their length. */
export function renderAlerts(alerts: readonly Alert[], columns: number | undefined): Line[] {
  const open = alerts.reduce((sum, alert) => sum + alert.open.length, 0);
  return [
    ...paragraph(`Alerts: ${alerts.length} set, ${open} open`, columns),
    ...(alerts.length === 0 ? paragraph(NONE, columns) : []),
    ...table(
      COLUMNS,
      alerts.map((alert) => [
        alert.id,
        stateWords(alert),
        receiverWords(alert),
        String(alert.open.length),
        deliveryWords(alert),
        kindsWords(alert),
      ]),
      columns,
      alerts.map((alert) => [
        ...alert.open.map(openWords),
        ...failureWords(alert).map((words) => `last failure ${words}`),
      ]),
    ),
  ];
}

export function renderAlert(alert: Alert, columns: number | undefined): Line[] {
  const { last_delivered_at: delivered, next_attempt_at: next } = alert.delivery;
  const rows: [string, Words][] = [
    ['state', stateWords(alert)],
    ['receiver', receiverWords(alert)],
    ...ruleFacts(alert).map(([name, words]): [string, Words] => [name.toLowerCase(), words]),
    ['delivery', deliveryWords(alert)],
    ...fact('delivered', delivered && toSeconds(delivered)),
    ...fact('next attempt', next && toSeconds(next)),
    ...failureWords(alert).map((words): [string, Words] => ['last failure', words]),
    ...(alert.open.length === 0 ? [['open', 'nothing'] as [string, Words]] : []),
    ...alert.open.map((item): [string, Words] => ['open', openWords(item)]),
  ];
  return [...paragraph(`Alert ${alert.id}`, columns), ...block(rows, columns).flat()];
}

function fact(name: string, words: string | undefined): [string, Words][] {
  return words === undefined ? [] : [[name, words]];
}

function stateWords(alert: Alert): Span {
  if (!alert.enabled) return styled('faint', 'off');
  return isFailing(alert) ? styled('bad', 'on, failing') : styled('good', 'on');
}

function receiverWords(alert: Alert): string {
  return `${shapeWords(alert.shape)} at ${hostOf(alert)}`;
}

function openWords(item: AlertItem): Words {
  const word = styled(styleOfSeverity(item.severity), openWord(item));
  return [word, ` ${openSentence(item)} (since ${toSeconds(item.since)})`];
}

function failureWords({ delivery: { last_error: error } }: Alert): string[] {
  return error === undefined ? [] : [`${toSeconds(error.time)}: ${error.message}`];
}
