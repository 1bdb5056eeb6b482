// Owns the page of one node: its status in all its words, its runtimes, its devices and where it runs.

import type { MatrixItem } from '../../contract/read-models.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { stateLabel } from '../../contract/words.ts';
import { isLoaded, nodeNames, nodeOf, type FleetNode } from '../model/fleet.ts';
import { clock, factsOf } from '../model/node-facts.ts';
import { counted, memoryWords, paceWords, percentWords, UNKNOWN } from '../view-model/figures.ts';
import {
  budgetWords,
  labelParts,
  nodeFigures,
  runtimesOf,
  shapeOfNode,
  stateNow,
} from '../view-model/node-view.ts';
import { Facts } from './facts.tsx';
import { Freshness } from './freshness.tsx';
import { ActionMenu } from './action-menu.tsx';
import { Sparklines } from './sparkline.tsx';
import { Status } from './status-icon.tsx';

export function NodePage({ name }: { name: string }) {
  // The list says when it comes or goes.
  const node = nodeNames.value.includes(name) ? nodeOf(name) : undefined;
  if (node !== undefined) return <KnownNode node={node} />;
  return (
    <section class="empty">
      <h1>{name}</h1>
      <p>
        {isLoaded.value
          ? 'The hub knows no node of this name: it never reported, was removed, or was silent for longer than the hub remembers.'
          : 'The fleet is being read …'}
      </p>
      <p>
        <a href="#/nodes">All nodes</a>
      </p>
    </section>
  );
}

function KnownNode({ node }: { node: FleetNode }) {
  const item = node.item.value;
  const isSilent = node.isSilent.value;
  const status = factsOf(node).status.value;
  const { word, reason } = labelParts(status);
  return (
    <article class={isSilent ? 'node-page is-silent' : 'node-page'} data-node={node.name}>
      <p class="path">
        <a href="#/nodes">Nodes</a>
      </p>
      <header>
        <h1>{node.name}</h1>
        <Status shape={shapeOfNode(status)} word={word} />
        <Freshness node={node} />
      </header>
      <p class="lead">{reason}</p>
      {status.code !== 'ok' && (
        <ul class="detail">
          {status.detail
            .filter((line) => line !== reason)
            .map((line) => (
              <li key={line}>{line}</li>
            ))}
        </ul>
      )}
      {isSilent && (
        <p class="muted">
          What follows is what it said last, at {clock(item.received_at)}. See that the host runs, that it
          reaches this hub, and what <code>arw-reporter status</code> and <code>arw-reporter doctor</code> say
          there.
        </p>
      )}
      <NodeSums item={item} isSilent={isSilent} />
      <Sparklines item={item} />
      <h2>Runtimes</h2>
      {runtimesOf(item).length === 0 ? (
        <p class="muted">This node supervises no runtime: its manifest names none.</p>
      ) : (
        <ul class="records">
          {runtimesOf(item).map((record) => (
            <Runtime key={record.descriptor.id} node={node.name} record={record} isSilent={isSilent} />
          ))}
        </ul>
      )}
      <Devices item={item} />
      <h2>Host</h2>
      <Facts
        facts={[
          ['System', `${item.host.os} ${item.host.arch}, ${counted(item.host.cpus, 'CPU')}`],
          ['Reporter', `${item.reporter.version}, every ${(item.reporter.interval_ms / 1000).toFixed(1)} s`],
          ['Uplink', item.uplink === 'open' ? 'socket, open' : item.uplink],
          ['Last heard', clock(item.received_at)],
          ['Silent from', clock(item.expires_at)],
        ]}
      />
    </article>
  );
}

function NodeSums({ item, isSilent }: { item: MatrixItem; isSilent: boolean }) {
  const figures = nodeFigures(item, isSilent);
  const busy =
    figures.inflight === undefined ? UNKNOWN : `${figures.inflight} of ${figures.capacity ?? UNKNOWN} slots`;
  return (
    <Facts
      facts={[
        ['Load', `${percentWords(figures.loadRatio)} (${busy})`],
        ['Queued', figures.queued === undefined ? UNKNOWN : String(figures.queued)],
        ['Pace', paceWords(figures.tokensPerSecond)],
        ['Host memory', memoryWords(figures.memoryUsedBytes, figures.memoryTotalBytes)],
      ]}
    />
  );
}

type RuntimeProps = { node: string; record: RuntimeRecord; isSilent: boolean };

function Runtime({ node, record, isSilent }: RuntimeProps) {
  const { descriptor, status } = record;
  const state = stateNow(record, isSilent);
  const { health = {} } = status;
  const word = status.draining === true && !isSilent ? `${stateLabel(state)}, draining` : stateLabel(state);
  return (
    <li class={`record is-${state}`} data-runtime={descriptor.id}>
      <header>
        <h3>{descriptor.name}</h3>
        <Status shape={state} word={word} />
        <span class="muted">{descriptor.id}</span>
        <span class="act-on">
          <ActionMenu node={node} record={record} isStale={isSilent} />
        </span>
      </header>
      {status.summary !== word && <p>{status.summary}</p>}
      {status.detail.length > 0 && (
        <ul class="detail">
          {status.detail.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      <Facts
        facts={[
          ['Engine', descriptor.adapter],
          ['Sandbox', descriptor.sandbox ?? UNKNOWN],
          ...(descriptor.preset === undefined ? [] : [['Preset', descriptor.preset] as const]),
          ['Budget', budgetWords(status.restart_budget, clock)],
          [
            'Busy',
            health.inflight_jobs === undefined
              ? UNKNOWN
              : `${health.inflight_jobs} of ${health.capacity ?? UNKNOWN}`,
          ],
          ['Pace', paceWords(health.predicted_tokens_per_second)],
          ['Latency', health.latency_ms === undefined ? UNKNOWN : `${Math.round(health.latency_ms)} ms`],
          ['Process', status.pid === undefined ? 'none' : String(status.pid)],
        ]}
      />
      {(descriptor.models ?? []).length > 0 && (
        <ul class="models" aria-label="Models">
          {descriptor.models?.map(({ id, state: modelState, context }) => (
            <li key={id}>
              <code>{id}</code>{' '}
              <span class="muted">
                {isSilent ? UNKNOWN : modelState}
                {context !== undefined && ` · ${context.toLocaleString('en')} tokens of context`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function Devices({ item }: { item: MatrixItem }) {
  const { accelerators = [] } = item;
  if (accelerators.length === 0) return null;
  return (
    <>
      <h2>Accelerators</h2>
      <ul class="records">
        {accelerators.map((device) => (
          <li key={device.id} class="record">
            <header>
              <h3>{device.name}</h3>
              <span class="muted">{device.label}</span>
            </header>
            <Facts
              facts={[
                ['Memory', memoryWords(device.memory_used_bytes, device.memory_total_bytes)],
                ['Utilization', percentWords(device.utilization_ratio)],
                [
                  'Temperature',
                  device.temperature_celsius === undefined
                    ? UNKNOWN
                    : `${Math.round(device.temperature_celsius)} °C`,
                ],
                ['Power', device.power_watts === undefined ? UNKNOWN : `${Math.round(device.power_watts)} W`],
              ]}
            />
          </li>
        ))}
      </ul>
    </>
  );
}
