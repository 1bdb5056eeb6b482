// Owns one node in the list. It is drawn again when its node says something else, and for no other node.

import { factsOf } from '../model/node-facts.ts';
import type { FleetNode } from '../model/fleet.ts';
import { memoryWords, paceWords, percentWords, UNKNOWN } from '../view-model/figures.ts';
import {
  acceleratorNames,
  labelParts,
  nodeFigures,
  runtimesOf,
  shapeOfNode,
  stateNow,
} from '../view-model/node-view.ts';
import { hashOf } from '../view-model/route.ts';
import { stateLabel } from '../../contract/words.ts';
import { Bar } from './bar.tsx';
import { Freshness } from './freshness.tsx';
import { PaceLine } from './sparkline.tsx';
import { Status, StatusIcon } from './status-icon.tsx';

const RUNTIMES_SHOWN = 6;

const UPLINK_WORDS = { open: 'socket', post: 'POST', closed: 'closed' } as const;

export function NodeRow({ node }: { node: FleetNode }) {
  const item = node.item.value;
  const isSilent = node.isSilent.value;
  const status = factsOf(node).status.value;
  const { word, reason } = labelParts(status);
  const figures = nodeFigures(item, isSilent);
  const runtimes = runtimesOf(item);
  const { memoryUsedBytes: used, memoryTotalBytes: total } = figures;
  return (
    <li class={isSilent ? 'node is-silent' : 'node'} data-node={node.name}>
      <div class="who">
        <h2>
          <a href={hashOf({ view: 'nodes', id: node.name, parameters: {} })}>{node.name}</a>
        </h2>
        <p>
          <Status shape={shapeOfNode(status)} word={word} />
          {status.code !== 'ok' && <span class="reason">{reason}</span>}
        </p>
      </div>
      <ul class="runtimes" aria-label="Runtimes">
        {runtimes.slice(0, RUNTIMES_SHOWN).map((record) => {
          const state = stateNow(record, isSilent);
          return (
            <li key={record.descriptor.id} class={`chip is-${state}`} title={record.status.summary}>
              <StatusIcon shape={state} />
              {record.descriptor.name}
              <span class="chip-word">{stateLabel(state)}</span>
            </li>
          );
        })}
        {runtimes.length > RUNTIMES_SHOWN && <li class="chip">{runtimes.length - RUNTIMES_SHOWN} more</li>}
        {runtimes.length === 0 && <li class="muted">no runtimes</li>}
      </ul>
      <p class="devices">
        <Label>Accelerators</Label>
        {acceleratorNames(item.accelerators).join(', ') || UNKNOWN}
      </p>
      <p class="figure">
        <Label>Load</Label>
        <Bar ratio={figures.loadRatio} />
        {percentWords(figures.loadRatio)}
      </p>
      <p class="figure">
        <Label>Memory</Label>
        <Bar ratio={used !== undefined && total !== undefined && total > 0 ? used / total : undefined} />
        {memoryWords(used, total)}
      </p>
      <p class="figure">
        <Label>Pace</Label>
        {paceWords(figures.tokensPerSecond)}
        <PaceLine item={item} />
      </p>
      <p class="when">
        <Label>Heartbeat</Label>
        <Freshness node={node} />
        <span class="muted">{UPLINK_WORDS[item.uplink]}</span>
      </p>
    </li>
  );
}

/** Seen where there is no head of columns above, and always heard. */
function Label({ children }: { children: string }) {
  return <span class="label">{children} </span>;
}
