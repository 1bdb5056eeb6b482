// Owns `arw-cli node list` and `arw-cli nodes`: the registry with what is heard, in a few words or as a table.

import { MatrixSchema, NodesSchema, type Matrix, type Nodes } from '../../contract/read-models.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { renderNodeTable } from '../render/node-table.ts';
import { renderNodes } from '../render/nodes.ts';
import { show, type ShowOptions, type View } from './show.ts';

type Registry = { nodes: Nodes['nodes']; matrix: Matrix };

async function load(hub: Hub): Promise<Registry> {
  const [nodes, matrix] = await Promise.all([
    askHub(hub, 'GET', 'state/nodes'),
    askHub(hub, 'GET', 'state/runtime_matrix?view=summary'),
  ]);
  return {
    nodes: expectBody(hub, nodes, NodesSchema).nodes,
    matrix: expectBody(hub, matrix, MatrixSchema),
  };
}

const LIST: View<Registry> = {
  load,
  render: ({ nodes, matrix }, columns) => renderNodes(nodes, matrix, columns),
};

const TABLE: View<Registry> = {
  load,
  render: ({ nodes, matrix }, columns) => renderNodeTable(nodes, matrix, columns),
};

export async function nodeList(hub: Hub, options: ShowOptions): Promise<void> {
  await show(hub, LIST, options);
}

export async function nodeTable(hub: Hub, options: ShowOptions): Promise<void> {
  await show(hub, TABLE, options);
}
