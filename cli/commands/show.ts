// Owns how a read is shown: once or again and again, as words or as JSON.

import type { Hub } from '../hub-client.ts';
import { columnsOf, printJson, printLines } from '../output.ts';
import type { Line } from '../render/line.ts';
import { Waiting } from '../terminal/waiting.ts';
import { watch } from '../terminal/watch.ts';

/** `watch` is the pause between two looks, in seconds. */
export type ShowOptions = { json?: boolean; watch?: number };

export type View<T> = {
  load: (hub: Hub) => Promise<T>;
  render: (value: T, columns: number | undefined) => Line[];
};

export async function show<T>(hub: Hub, { load, render }: View<T>, options: ShowOptions): Promise<void> {
  const { json = false, watch: seconds } = options;
  if (seconds !== undefined) {
    return watch({ load: (signal) => load({ ...hub, signal }), render }, seconds, json);
  }
  const waiting = new Waiting(`asking ${hub.url.host}`);
  const value = await load(hub).finally(() => waiting.stop());
  if (json) return printJson(value);
  printLines(render(value, columnsOf(process.stdout)));
}
