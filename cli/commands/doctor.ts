// Owns `arw-cli doctor`.

import { examine } from '../doctor/examine.ts';
import { EXIT } from '../errors.ts';
import { columnsOf, printJson, printLines } from '../output.ts';
import { renderFindings } from '../render/findings.ts';
import { Waiting } from '../terminal/waiting.ts';
import type { HubFlags } from '../settings/settings.ts';

export async function doctor(flags: HubFlags, { json = false }: { json?: boolean }): Promise<void> {
  const waiting = new Waiting('looking');
  const findings = await examine(flags, process.env).finally(() => waiting.stop());
  const isSound = findings.every(({ status }) => status !== 'fail');
  if (json) printJson({ ok: isSound, findings });
  else printLines(renderFindings(findings, columnsOf(process.stdout)));
  process.exitCode = isSound ? EXIT.ok : EXIT.failed;
}
