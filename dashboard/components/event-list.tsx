// Owns the view of events: what happened in the fleet, newest first, with what to show of it and a pause.

import { useSignal } from '@preact/signals';
import { feed, pauseFeed, resumeFeed } from '../model/event-feed.ts';
import { EVERY_EVENT, shownBy, type FeedFilter, type FeedItem } from '../view-model/event-feed.ts';
import type { EventGroup } from '../view-model/event-words.ts';
import { severityLabel, type Severity } from '../../contract/words.ts';
import { EventTime } from './event-time.tsx';
import { hashOf } from '../view-model/route.ts';
import { StatusMark, type Mark } from './status-mark.tsx';

const GROUPS: readonly [EventGroup | 'all', string][] = [
  ['all', 'Everything'],
  ['runtimes', 'Runtimes'],
  ['nodes', 'Nodes'],
  ['commands', 'Commands'],
  ['models', 'Models'],
  ['actions', 'Chats'],
];

const MARKS: Record<Exclude<Severity, 'info'>, Mark> = { warn: 'degraded', error: 'error' };

export function EventList() {
  const filter = useSignal<FeedFilter>(EVERY_EVENT);
  const { shown, held, paused } = feed.value;
  const items = shownBy(shown, filter.value);
  return (
    <section aria-labelledby="events-title">
      <h1 id="events-title">Events</h1>
      <Tools filter={filter.value} set={(more) => (filter.value = { ...filter.value, ...more })} />
      <p class="feed-state" role="status">
        {paused ? `Paused; ${held.length} more since` : `${items.length} shown, newest first`}
      </p>
      {items.length === 0 && (
        <p class="empty">
          {shown.length === 0
            ? 'Nothing has happened since this page was opened. What happens appears here by itself.'
            : 'No event fits: take a word out of the search, or show everything.'}
        </p>
      )}
      <ol class="events">
        {items.map((item) => (
          <EventRow key={item.key} item={item} />
        ))}
      </ol>
    </section>
  );
}

type ToolsProps = { filter: FeedFilter; set: (more: Partial<FeedFilter>) => void };

function Tools({ filter, set }: ToolsProps) {
  const { paused } = feed.value;
  return (
    <div class="tools" role="group" aria-label="What to show">
      <label>
        Search{' '}
        <input
          type="search"
          value={filter.text}
          onInput={({ currentTarget }) => set({ text: currentTarget.value })}
        />
      </label>
      <label>
        About{' '}
        <select
          value={filter.group}
          onChange={({ currentTarget }) =>
            set({ group: GROUPS.find(([name]) => name === currentTarget.value)?.[0] ?? 'all' })
          }
        >
          {GROUPS.map(([name, words]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={filter.severity === 'attention'}
          onChange={({ currentTarget }) => set({ severity: currentTarget.checked ? 'attention' : 'all' })}
        />
        Only warnings and errors
      </label>
      <button type="button" class="button" aria-pressed={paused} onClick={paused ? resumeFeed : pauseFeed}>
        {paused ? 'Go on' : 'Pause'}
      </button>
    </div>
  );
}

function EventRow({ item }: { item: FeedItem }) {
  const { severity, sentence, time, node, runtime } = item;
  return (
    <li class={`event ${severity}`}>
      {severity === 'info' ? <span class="dot" /> : <StatusMark status={MARKS[severity]} />}
      <p>
        {severity !== 'info' && <strong>{severityLabel(severity)} </strong>}
        {sentence}
      </p>
      <span class="links">
        {node !== undefined && (
          <a href={hashOf({ view: 'nodes', id: node, parameters: {} })}>
            Node<span class="hidden"> {node}</span>
          </a>
        )}
        {node !== undefined && runtime !== undefined && (
          <a href={hashOf({ view: 'events', parameters: { logs: `${node}/${runtime}` } })}>
            Log<span class="hidden"> of {`${node}/${runtime}`}</span>
          </a>
        )}
      </span>
      <EventTime time={time} />
    </li>
  );
}
