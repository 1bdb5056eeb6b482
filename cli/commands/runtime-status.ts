// Owns `arw-cli runtime status`.

import { MatrixSchema, SupervisorSchema, type Matrix, type Supervisor } from '../../contract/read-models.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import type { Line } from '../render/line.ts';
import { renderStatus } from '../render/status.ts';
import { show, type ShowOptions } from './show.ts';

type Status = { supervisor: Supervisor; matrix: Matrix };

export async function runtimeStatus(hub: Hub, options: ShowOptions): Promise<void> {
  // The words of the matrix need no lists of runtimes: the supervisor view has them.
  const view = options.json === true ? '' : '?view=summary';
  const load = async (at: Hub): Promise<Status> => {
    const [supervisor, matrix] = await Promise.all([
      askHub(at, 'GET', 'state/runtime_supervisor'),
      askHub(at, 'GET', `state/runtime_matrix${view}`),
    ]);
    return {
      supervisor: expectBody(at, supervisor, SupervisorSchema),
      matrix: expectBody(at, matrix, MatrixSchema),
    };
  };
  await show(hub, { load, render }, options);
}

function render({ supervisor, matrix }: Status, columns: number | undefined): Line[] {
  return renderStatus(supervisor, matrix, columns);
}
