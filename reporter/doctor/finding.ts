// Owns what a check finds: a status, what was seen, and how to mend it.

import { messageOf } from '../errors.ts';

export type Finding = {
  /** Short: the subject that was looked at. */
  check: string;
  status: 'ok' | 'warn' | 'fail' | 'skipped';
  what: string;
  /** What to do; present wherever something is to be done. */
  remedy?: string;
};

export function ok(check: string, what: string): Finding {
  return { check, status: 'ok', what };
}

export function warn(check: string, what: string, remedy: string): Finding {
  return { check, status: 'warn', what, remedy };
}

export function fail(check: string, what: string, remedy: string): Finding {
  return { check, status: 'fail', what, remedy };
}

export function skipped(check: string, what: string): Finding {
  return { check, status: 'skipped', what };
}

/** A sentence of ours, `what is wrong; what to do`, as a fault. */
export function failAs(check: string, sentence: string): Finding {
  const at = sentence.indexOf('; ');
  if (at < 0) return fail(check, sentence, 'mend that and run the doctor again');
  return fail(check, sentence.slice(0, at), sentence.slice(at + 2));
}

/** One check that breaks must not hide what the others find. */
export async function guarded(check: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [
      fail(check, `could not be checked: ${messageOf(error)}`, 'this is a fault of the doctor: report it'),
    ];
  }
}
