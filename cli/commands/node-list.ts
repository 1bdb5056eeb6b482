// Owns `arw-cli node list`.

import { MatrixSchema, NodesSchema } from '../../contract/read-models.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { print, printJson } from '../output.ts';
import { renderNodes } from '../render/nodes.ts';

export async function nodeList(hub: Hub, options: { json?: boolean }): Promise<void> {
  const [nodesAnswer, matrixAnswer] = await Promise.all([
    askHub(hub, 'GET', 'state/nodes'),
    askHub(hub, 'GET', 'state/runtime_matrix?view=summary'),
  ]);
  const { nodes } = expectBody(hub, nodesAnswer, NodesSchema);
  const matrix = expectBody(hub, matrixAnswer, MatrixSchema);
  if (options.json === true) return printJson({ nodes, matrix });
  print(renderNodes(nodes, matrix, process.stdout.isTTY ? process.stdout.columns : undefined));
}
