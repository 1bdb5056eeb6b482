// Owns the text of the doctor: findings in, lines of at most 80 columns out. Words carry every status, not colour.

import type { Finding } from './finding.ts';

const COLUMNS = 80;
const STATUS_WIDTH = 'skipped'.length;

export function renderFindings(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ check, status, what, remedy }) => [
    ...wrap(`${status.padEnd(STATUS_WIDTH)}  `, `${check}: ${what}`),
    ...(remedy === undefined ? [] : wrap(`${' '.repeat(STATUS_WIDTH)}  -> `, remedy)),
  ]);
  return `${[...lines, '', summary(findings)].join('\n')}\n`;
}

function summary(findings: readonly Finding[]): string {
  const count = (status: Finding['status']): number =>
    findings.filter((finding) => finding.status === status).length;
  const [faults, warnings] = [count('fail'), count('warn')];
  const told = `${faults} ${faults === 1 ? 'fault' : 'faults'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
  return faults === 0 ? `Ready to run: ${told}.` : `${told}: do what the arrows say, then ask again.`;
}

/** Later lines stand under the text of the first. A word that is longer than a line, a path, is left whole. */
function wrap(lead: string, text: string): string[] {
  const lines: string[] = [];
  let line = lead;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = ' '.repeat(lead.length);
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}
