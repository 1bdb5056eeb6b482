// Owns `arw-cli grid`.

import { GridSchema, type Grid } from '../../contract/grid.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { renderGrid } from '../render/grid.ts';
import { show, type ShowOptions, type View } from './show.ts';

export type GridOptions = ShowOptions & {
  model?: string;
  hardware?: string;
  sandbox?: string;
  state?: string;
};

export async function grid(hub: Hub, options: GridOptions): Promise<void> {
  const { model, hardware, sandbox, state } = options;
  const wanted = Object.entries({ model, hardware, sandbox, state });
  const query = new URLSearchParams(
    wanted.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]])),
  );
  const view: View<Grid> = {
    load: async (at) =>
      expectBody(at, await askHub(at, 'GET', `state/runtime_grid?${query.toString()}`), GridSchema),
    render: renderGrid,
  };
  await show(hub, view, options);
}
