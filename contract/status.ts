// Owns the sentences of a node's status: from reasons to code, label, detail lines and the hint a screen reader says.

import type { NodeStatus } from './snapshot.ts';
import { LINE_MAX_LENGTH } from './scalars.ts';
import { severityLabel, severityOfCode, type Severity, type StatusCode } from './words.ts';

const DETAIL_MAX_LINES = 8;
const NOMINAL_LABEL = 'Ready - Runtime telemetry nominal';
const NOMINAL_DETAIL = 'Running within expected ranges';
const NO_REASON = 'No reason is given';

/** Why a node is not simply `ok`; info reasons are told without lowering the code. */
export type Reason = { severity: Severity; text: string };

/** Makes one line a person can be told: single spaces, no line breaks, at most 240 characters. */
export function spokenLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= LINE_MAX_LENGTH) return line;
  // A cut between the halves of a character would leave half a character.
  return `${line.slice(0, LINE_MAX_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** 1-8 distinct non-blank lines; what does not fit is counted in the last one, not dropped in silence. */
export function detailLines(texts: readonly string[], whenEmpty: string): string[] {
  const lines = [...new Set(texts.map(spokenLine).filter((line) => line !== ''))];
  if (lines.length === 0) return [whenEmpty];
  if (lines.length <= DETAIL_MAX_LINES) return lines;
  const rest = `and ${lines.length - (DETAIL_MAX_LINES - 1)} more`;
  return [...lines.filter((line) => line !== rest).slice(0, DETAIL_MAX_LINES - 1), rest];
}

export function ariaHint(label: string, detail: readonly string[]): string {
  return `Runtime status ${label}. ${detail.join('; ')}`;
}

/** The status of a node that answers, from the reasons found in its registry and its traffic. */
export function statusFromReasons(reasons: readonly Reason[]): NodeStatus {
  const code: StatusCode = reasons.some((reason) => reason.severity === 'error')
    ? 'error'
    : reasons.some((reason) => reason.severity === 'warn')
      ? 'degraded'
      : 'ok';
  const worstFirst = (['error', 'warn', 'info'] as const).flatMap((severity) =>
    reasons.filter((reason) => reason.severity === severity).map((reason) => reason.text),
  );
  const detail = detailLines(worstFirst, code === 'ok' ? NOMINAL_DETAIL : NO_REASON);
  switch (code) {
    case 'ok':
      return assemble('ok', NOMINAL_LABEL, detail);
    case 'degraded':
      return assemble('degraded', spokenLine(`Degraded - ${detail[0]}`), detail);
    case 'error':
      return assemble('error', spokenLine(`Error - ${detail[0]}`), detail);
    default:
      return code satisfies never;
  }
}

/** The status of a node that cannot be asked, or whose supervisor does not run. */
export function offlineStatus(reason: string, detail: readonly string[] = []): NodeStatus {
  return assemble('offline', spokenLine(`Offline - ${reason}`), detailLines(detail, spokenLine(reason)));
}

function assemble(code: StatusCode, label: string, detail: string[]): NodeStatus {
  const severity = severityOfCode(code);
  return {
    code,
    severity,
    severity_label: severityLabel(severity),
    label,
    detail,
    aria_hint: ariaHint(label, detail),
  };
}
