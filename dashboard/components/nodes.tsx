// Owns the list of nodes: searched, filtered, and drawn a part at a time so that a thousand do not hold up the first.

import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { isLoaded, nodeNames } from '../model/fleet.ts';
import { route, setParameters } from '../model/location.ts';
import { allNodes, factsOf } from '../model/node-facts.ts';
import { counted } from '../view-model/figures.ts';
import { isFound } from '../view-model/node-view.ts';
import { EmptyFleet } from './empty-fleet.tsx';
import { NodeRow } from './node-row.tsx';

/** As many as fill a large screen, then the rest while nothing else is to be done. */
const FIRST = 40;
const MORE = 60;

const FILTERS = { '': 'All', attention: 'Needs attention', silent: 'Silent' } as const;
const COLUMNS = ['Node', 'Runtimes', 'Accelerators', 'Load', 'Memory', 'Pace', 'Heartbeat'];

export function Nodes() {
  const query = useComputed(() => route.value.parameters['q'] ?? '');
  const filter = useComputed(() => route.value.parameters['show'] ?? '');
  const found = useComputed(() =>
    allNodes().filter((node) => {
      const { search, status } = factsOf(node);
      if (filter.value === 'silent' && !node.isSilent.value) return false;
      if (filter.value === 'attention' && status.value.code === 'ok') return false;
      return query.value === '' || isFound(search.value, query.value);
    }),
  );
  const drawn = useSignal(FIRST);
  useSignalEffect(() => {
    if (drawn.value >= found.value.length) return undefined;
    const timer = setTimeout(() => {
      drawn.value += MORE;
    });
    return () => clearTimeout(timer);
  });
  if (isLoaded.value && nodeNames.value.length === 0) return <EmptyFleet />;
  return (
    <>
      <div class="tools">
        <h1>Nodes</h1>
        <label class="unseen" for="search">
          Search nodes
        </label>
        <input
          id="search"
          type="search"
          placeholder="Search: node, model, device, state"
          value={query.value}
          onInput={({ currentTarget }) => setParameters({ q: currentTarget.value })}
        />
        <fieldset class="choice">
          <legend class="unseen">Show</legend>
          {Object.entries(FILTERS).map(([value, words]) => (
            <label key={value}>
              <input
                type="radio"
                name="show"
                checked={filter.value === value}
                onChange={() => setParameters({ show: value })}
              />
              {words}
            </label>
          ))}
        </fieldset>
        <p class="count" role="status">
          {isLoaded.value
            ? found.value.length === nodeNames.value.length
              ? counted(nodeNames.value.length, 'node')
              : `${found.value.length} of ${counted(nodeNames.value.length, 'node')}`
            : ''}
        </p>
      </div>
      {isLoaded.value ? (
        <>
          <div class="node columns" aria-hidden="true">
            {COLUMNS.map((column) => (
              <span key={column}>{column}</span>
            ))}
          </div>
          <ul class="nodes">
            {found.value.slice(0, drawn.value).map((node) => (
              <NodeRow key={node.name} node={node} />
            ))}
          </ul>
          {found.value.length === 0 && (
            <p class="empty">
              No node fits.{' '}
              <button type="button" onClick={() => setParameters({ q: '', show: '' })}>
                Show all
              </button>
            </p>
          )}
        </>
      ) : (
        <Skeleton />
      )}
    </>
  );
}

function Skeleton() {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: 6 }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}
