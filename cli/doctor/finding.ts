// Owns what a check of `arw-cli doctor` finds: a status, what was seen, and how to mend it.

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
  const at = sentence.lastIndexOf('; ');
  if (at < 0) return fail(check, sentence, 'mend that and run the doctor again');
  return fail(check, sentence.slice(0, at), sentence.slice(at + 2));
}
