// Owns the wait for the first good news: the matrix itself says when the node is worth looking at.

import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { MatrixSchema, type MatrixItem } from '../../contract/read-models.ts';
import type { Engine } from '../engine/find-engine.ts';
import type { Fleet } from './fleet.ts';

const LOOK_EVERY_MS = 300;

/** One line for the terminal once the node is ready or has settled on an error; empty when interrupted before. */
export async function untilReady(fleet: Fleet, engine: Engine, interrupted: AbortSignal): Promise<string> {
  while (!interrupted.aborted) {
    const item = await lookUp(fleet);
    if (item !== undefined && isSettled(item)) {
      return `${fleet.node}: ${item.status.label} (engine: ${engine.kind})\n`;
    }
    await delay(LOOK_EVERY_MS, undefined, { ref: false });
  }
  return '';
}

/** Ready, even where something else is to be told of the node; or failed. */
function isSettled({ status, runtimes = [] }: MatrixItem): boolean {
  return (
    status.code === 'ok' ||
    status.code === 'error' ||
    runtimes.every((runtime) => runtime.status.state === 'ready')
  );
}

async function lookUp({ hubUrl, adminToken, node }: Fleet): Promise<MatrixItem | undefined> {
  try {
    const answer = await fetch(`${hubUrl}/state/runtime_matrix`, {
      headers: { authorization: `Bearer ${adminToken}` },
    });
    return v.parse(MatrixSchema, await answer.json()).items[node];
  } catch {
    // The hub is ending or was interrupted; its own words say so, and this is only an extra line.
    return undefined;
  }
}
