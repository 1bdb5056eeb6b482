// Owns `arw-cli runtime status`.

import { MatrixSchema, SupervisorSchema } from '../../contract/read-models.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { print, printJson } from '../output.ts';
import { renderStatus } from '../render/status.ts';

export async function runtimeStatus(hub: Hub, options: { json?: boolean }): Promise<void> {
  const [supervisorAnswer, matrixAnswer] = await Promise.all([
    askHub(hub, 'GET', 'state/runtime_supervisor'),
    askHub(hub, 'GET', 'state/runtime_matrix'),
  ]);
  const supervisor = expectBody(hub, supervisorAnswer, SupervisorSchema);
  const matrix = expectBody(hub, matrixAnswer, MatrixSchema);
  if (options.json === true) return printJson({ supervisor, matrix });
  print(renderStatus(supervisor, matrix, process.stdout.isTTY ? process.stdout.columns : undefined));
}
