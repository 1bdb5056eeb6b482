// Owns the words of a message, and how each kind of receiver wants them written.

import type { AlertItem, AlertMessage, AlertShape } from '../../contract/alerts.ts';
import { durationWords } from './duration.ts';

/** Discord takes 2000 characters, and escapes count; Slack takes more and shows less. */
const TEXT_MAX = 1900;

/** The body of the request. */
export function messageBody(shape: AlertShape, message: AlertMessage): string {
  switch (shape) {
    case 'generic':
      return JSON.stringify(message);
    case 'slack':
      // Unformatted, so that a name with an underscore is a name; `<!channel>` and links need their brackets.
      return JSON.stringify({ text: cut(lines(message), escapeSlack), mrkdwn: false });
    case 'discord':
      return JSON.stringify({
        content: cut(lines(message), escapeDiscord),
        allowed_mentions: { parse: [] },
      });
    default:
      return shape satisfies never;
  }
}

export function alertMessage(alert: string, items: AlertItem[], time: string): AlertMessage {
  return { type: 'alert', alert, time, text: items.map(itemLine).join('\n'), items };
}

export function testMessage(alert: string, time: string): AlertMessage {
  const text = `Test of the alert "${alert}" of Runtime Matrix: problems will be told here.`;
  return { type: 'alert.test', alert, time, text, items: [] };
}

/** One line a problem, or its end, in words alone. */
export function itemLine(item: AlertItem): string {
  const { status, node, runtime, severity, summary, since, resolved_at: resolvedAt } = item;
  const subject = runtime === undefined ? node : `${node}/${runtime}`;
  if (status === 'open' || resolvedAt === undefined) {
    const word = severity === 'error' ? 'PROBLEM' : 'WARNING';
    return `${word} ${subject}: ${summary} (since ${since})`;
  }
  const lasted = durationWords(Date.parse(resolvedAt) - Date.parse(since));
  return `RESOLVED ${subject}: it was ${summary} (for ${lasted})`;
}

function lines({ text }: AlertMessage): string[] {
  return text.split('\n');
}

/** As many lines as fit, each written by `escape`; what does not fit is counted. */
function cut(all: readonly string[], escape: (line: string) => string): string {
  const kept: string[] = [];
  let length = 0;
  for (const line of all.map(escape)) {
    length += line.length + 1;
    if (length > TEXT_MAX) break;
    kept.push(line);
  }
  const left = all.length - kept.length;
  return [...kept, ...(left > 0 ? [`and ${left} more`] : [])].join('\n');
}

function escapeSlack(line: string): string {
  return line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function escapeDiscord(line: string): string {
  return line.replace(/[\\`*_~|>#[\]()<-]/g, String.raw`\$&`);
}
