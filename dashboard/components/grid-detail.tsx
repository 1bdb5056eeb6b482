// Owns the runtimes of one cell: how each fares, on which node, and what may be done with it.

import { useLayoutEffect, useRef } from 'preact/hooks';
import type { CellRuntime, GridEntry } from '../view-model/grid-cells.ts';
import { stateLabel } from '../../contract/words.ts';
import { stateNow } from '../view-model/node-view.ts';
import { NO_MODEL } from '../view-model/grid-table.ts';
import { hashOf, type Route } from '../view-model/route.ts';
import { route } from '../model/location.ts';
import { ActionMenu } from './action-menu.tsx';
import { Status } from './status-icon.tsx';

type Props = {
  /** Undefined where no runtime is in the cell any more. */
  entry: GridEntry | undefined;
  name: { model: string | undefined; hardware: string | undefined; sandbox: string | undefined };
};

export function GridDetail({ entry, name: { model = NO_MODEL, hardware, sandbox } }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => heading.current?.focus(), []);
  return (
    <section class="cell-page" aria-labelledby="cell-title">
      <header>
        <h2 id="cell-title" ref={heading} tabIndex={-1}>
          {model}
        </h2>
        <span class="muted">
          {hardware}
          {sandbox !== undefined && `, ${sandbox === 'none' ? 'no sandbox' : `sandbox ${sandbox}`}`}
        </span>
        <a href={hashOf({ view: 'grid', parameters: withoutCell(route.value.parameters) })}>
          Close<span class="unseen"> the runtimes of this cell</span>
        </a>
      </header>
      {entry === undefined ? (
        <p class="muted">
          No runtime is in this cell now: it may have left its node, or serve another model.
        </p>
      ) : (
        <>
          <p>{entry.cell.status.detail.join('; ')}</p>
          <ul class="records">
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
  const state = stateNow(record, isStale);
  return (
    <li class={`record is-${state}`} data-runtime={`${node}/${descriptor.id}`}>
      <header>
        <h3>{descriptor.name}</h3>
        <Status shape={state} word={stateLabel(state)} />
        <span class="muted">
          {descriptor.id} on <a href={hashOf({ view: 'nodes', id: node, parameters: {} })}>{node}</a>
        </span>
        <span class="act-on">
          <ActionMenu node={node} record={record} isStale={isStale} />
        </span>
      </header>
      <p>{isStale ? `Its node is silent; it last said: ${status.summary}` : status.summary}</p>
    </li>
  );
}

/** What was searched for stays. */
function withoutCell({
  model: _model,
  hardware: _hardware,
  sandbox: _sandbox,
  ...rest
}: Route['parameters']): Route['parameters'] {
  return rest;
}
