// Owns the runtimes of one cell: how each fares, on which node, and what may be done with it.

import { useEffect, useRef } from 'preact/hooks';
import type { CellRuntime, GridEntry } from '../view-model/grid-cells.ts';
import { NO_MODEL } from '../view-model/grid-table.ts';
import { hashOf } from '../view-model/route.ts';
import { ActionMenu } from './action-menu.tsx';
import { StatusMark } from './status-mark.tsx';

type Props = {
  /** Undefined where no runtime is in the cell any more. */
  entry: GridEntry | undefined;
  name: { model: string | undefined; hardware: string | undefined; sandbox: string | undefined };
};

export function GridDetail({ entry, name: { model = NO_MODEL, hardware, sandbox } }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section class="detail" aria-labelledby="cell-title">
      <header>
        <h2 id="cell-title" ref={heading} tabIndex={-1}>
          {model} <span class="muted">on {hardware}</span>
        </h2>
        <a class="button small" href={hashOf({ view: 'grid', parameters: {} })}>
          Close<span class="hidden"> the runtimes of this cell</span>
        </a>
      </header>
      {sandbox !== undefined && <p class="muted">Sandbox: {sandbox}</p>}
      {entry === undefined ? (
        <p class="empty">
          No runtime is in this cell now: it may have left its node, or serve another model.
        </p>
      ) : (
        <>
          <p>{entry.cell.status.detail.join('; ')}</p>
          <ul class="runtimes">
            {entry.runtimes.map((runtime) => (
              <Runtime key={`${runtime.node}/${runtime.record.descriptor.id}`} {...runtime} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Runtime({ node, record, isStale }: CellRuntime) {
  const { descriptor, status } = record;
  return (
    <li class="runtime">
      <StatusMark status={isStale ? 'unknown' : status.state} />
      <p>
        <strong>{isStale ? 'Unknown' : status.state_label}</strong> {descriptor.name}{' '}
        <span class="muted">
          {descriptor.id} on <a href={hashOf({ view: 'nodes', id: node, parameters: {} })}>{node}</a>
        </span>
        <br />
        <span class="muted">
          {isStale ? `Its node is silent; last it said: ${status.summary}` : status.summary}
        </span>
      </p>
      <ActionMenu node={node} record={record} isStale={isStale} />
    </li>
  );
}
