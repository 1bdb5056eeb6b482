// Owns the text of the doctor: findings in, lines out. Words carry every status, not colour.

import type { Finding } from '../doctor/finding.ts';
import { lineOf, padded, styled, wrappedLine, type Line, type Style } from './line.ts';

const STATUS_WIDTH = 'skipped'.length;
const INDENT = STATUS_WIDTH + 2;

const STYLES: Record<Finding['status'], Style> = { ok: 'good', warn: 'warn', fail: 'bad', skipped: 'faint' };

export function renderFindings(findings: readonly Finding[], columns: number | undefined): Line[] {
  return [
    ...findings.flatMap(({ check, status, what, remedy }) => [
      ...beside(lineOf(styled(STYLES[status], status)), `${check}: ${what}`, columns),
      ...(remedy === undefined ? [] : beside([], `-> ${remedy}`, columns)),
    ]),
    [],
    ...wrappedLine(lineOf(summary(findings)), columns ?? Number.POSITIVE_INFINITY),
  ];
}

function beside(lead: Line, text: string, columns: number | undefined): Line[] {
  return wrappedLine(lineOf(text), (columns ?? Number.POSITIVE_INFINITY) - INDENT).map((line, at) => [
    ...padded(at === 0 ? lead : [], INDENT),
    ...line,
  ]);
}

function summary(findings: readonly Finding[]): string {
  const count = (status: Finding['status']): number =>
    findings.filter((finding) => finding.status === status).length;
  const [faults, warnings] = [count('fail'), count('warn')];
  const told = `${faults} ${faults === 1 ? 'fault' : 'faults'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
  return faults === 0 ? `Ready to use: ${told}.` : `${told}: do what the arrows say, then ask again.`;
}
