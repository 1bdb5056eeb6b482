// Owns the list of nodes: searched, filtered, and drawn as far as somebody has come, so that a thousand cost no more than
// a screen of them.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { isLoaded, nodeNames } from '../model/fleet.ts';
import { route, setParameters } from '../model/location.ts';
import { allNodes, factsOf } from '../model/node-facts.ts';
import { counted } from '../view-model/figures.ts';
import { isFound } from '../view-model/node-view.ts';
import { EmptyFleet } from './empty-fleet.tsx';
import { NodeRow } from './node-row.tsx';
import { Skeleton } from './skeleton.tsx';

/** As many as fill a large screen, and so many more whenever their end comes near. */
const FIRST = 40;
const MORE = 40;
const NEAR = '1200px';

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
  const drawn = useSignal({ of: '', count: FIRST });
  const of = `${filter.value} ${query.value}`;
  // Another search begins at its first ones again.
  const count = drawn.value.of === of ? drawn.value.count : FIRST;
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
            {found.value.slice(0, count).map((node) => (
              <NodeRow key={node.name} node={node} />
            ))}
          </ul>
          {found.value.length > count && (
            <More
              key={count}
              left={found.value.length - count}
              onNear={() => {
                drawn.value = { of, count: count + MORE };
              }}
            />
          )}
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

/** Pressed by itself when it comes near, and by whoever does not scroll. */
function More({ left, onNear }: { left: number; onNear: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) onNear();
      },
      { rootMargin: NEAR },
    );
    if (button.current !== null) observer.observe(button.current);
    return () => observer.disconnect();
  }, []);
  return (
    <button ref={button} type="button" class="more" onClick={onNear}>
      {counted(left, 'more node')}
    </button>
  );
}
