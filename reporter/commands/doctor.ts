// Owns `arw-reporter doctor`: every finding told, and one exit code for all of them.

import type { Flags } from '../config.ts';
import { examine } from '../doctor/doctor.ts';
import { renderFindings } from '../doctor/render.ts';
import { EXIT } from '../exit-codes.ts';

/** Returns the exit code: a warning is no fault. */
export async function doctorCommand(flags: Flags & { json?: boolean }): Promise<number> {
  const findings = await examine(flags, process.env);
  const isWell = findings.every(({ status }) => status !== 'fail');
  const text =
    flags.json === true ? `${JSON.stringify({ ok: isWell, findings }, null, 2)}\n` : renderFindings(findings);
  process.stdout.write(text);
  return isWell ? EXIT.ok : EXIT.failed;
}
