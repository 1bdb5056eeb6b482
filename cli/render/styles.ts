// Owns which style repeats which word.

import type { Severity, StatusCode } from '../../contract/words.ts';
import type { Style } from './line.ts';

export function styleOfSeverity(severity: Severity): Style {
  switch (severity) {
    case 'info':
      return 'good';
    case 'warn':
      return 'warn';
    case 'error':
      return 'bad';
    default:
      return severity satisfies never;
  }
}

export function styleOfCode(code: StatusCode): Style {
  switch (code) {
    case 'ok':
      return 'good';
    case 'degraded':
      return 'warn';
    case 'error':
    case 'offline':
      return 'bad';
    default:
      return code satisfies never;
  }
}
