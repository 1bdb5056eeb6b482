// Owns `arw-cli alert test`: one message now, and what its receiver answered.

import { AlertTestedSchema } from '../../contract/alerts.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { print, printJson } from '../output.ts';
import { Waiting } from '../terminal/waiting.ts';
import { alertPath } from './alert-list.ts';

export async function alertTest(hub: Hub, id: string, { json = false }: { json?: boolean }): Promise<void> {
  const waiting = new Waiting('a test message is on its way; the receiver has 10 s to answer');
  const answer = await askHub(hub, 'POST', `${alertPath(id)}/test`).finally(() => waiting.stop());
  const tested = expectBody(hub, answer, AlertTestedSchema);
  if (json) return printJson(tested);
  print(
    `the receiver of alert ${id} took the test message: it answered ${tested.status} within ` +
      `${Math.ceil(tested.latency_ms)} ms`,
  );
}
