// Owns the view of events: what happened in the fleet, newest first, with what to show of it and a pause.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { severityLabel, type Severity } from '../../contract/words.ts';
import { feed, pauseFeed, resumeFeed } from '../model/event-feed.ts';
import { route, setParameters } from '../model/location.ts';
import { shownBy, type FeedItem } from '../view-model/event-feed.ts';
import type { EventGroup } from '../view-model/event-words.ts';
import { EventTime } from './event-time.tsx';
import { counted } from '../view-model/figures.ts';
import type { Shape } from '../view-model/node-view.ts';
import { hashOf } from '../view-model/route.ts';
import { StatusIcon } from './status-icon.tsx';

const GROUPS: readonly [EventGroup | 'all', string][] = [
  ['all', 'Everything'],
  ['runtimes', 'Runtimes'],
  ['nodes', 'Nodes'],
  ['commands', 'Commands'],
  ['models', 'Models'],
  ['actions', 'Chats'],
];

const SHAPES: Record<Exclude<Severity, 'info'>, Shape> = { warn: 'degraded', error: 'error' };

export function EventList() {
  const { q: text = '', about = 'all', show = '' } = route.value.parameters;
  const { shown, held, paused } = feed.value;
  const group = GROUPS.find(([name]) => name === about)?.[0] ?? 'all';
  const severity = show === 'attention' ? 'attention' : 'all';
  const items = shownBy(shown, { text, group, severity });
  return (
    <>
      <div class="tools">
        <h1>Events</h1>
        <label class="unseen" for="search">
          Search events
        </label>
        <input
          id="search"
          type="search"
          placeholder="Search: node, runtime, word"
          value={text}
          onInput={({ currentTarget }) => setParameters({ q: currentTarget.value })}
        />
        <label class="unseen" for="about">
          About
        </label>
        <select
          id="about"
          value={group}
          onChange={({ currentTarget }) =>
            setParameters({ about: currentTarget.value === 'all' ? '' : currentTarget.value })
          }
        >
          {GROUPS.map(([name, words]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </select>
        <fieldset class="choice">
          <legend class="unseen">Show</legend>
          {Object.entries({ '': 'All', attention: 'Warnings and errors' }).map(([value, words]) => (
            <label key={value}>
              <input
                type="radio"
                name="show"
                checked={show === value}
                onChange={() => setParameters({ show: value })}
              />
              {words}
            </label>
          ))}
        </fieldset>
        <button type="button" aria-pressed={paused} onClick={paused ? resumeFeed : pauseFeed}>
          Pause
        </button>
        <p class="count">
          {paused ? `Paused; ${counted(held.length, 'event')} since` : counted(items.length, 'event')}
        </p>
        <Announcer
          of={JSON.stringify([text, group, severity, paused])}
          words={`${counted(items.length, 'event')} shown${paused ? ', paused' : ''}`}
        />
      </div>
      {items.length === 0 && (
        <p class="empty">
          {shown.length === 0
            ? 'Nothing has happened yet. What happens appears here by itself.'
            : 'No event fits: take a word out of the search, or show all.'}
        </p>
      )}
      <ol class="events">
        {items.map((item) => (
          <EventRow key={item.key} item={item} />
        ))}
      </ol>
    </>
  );
}

/** Says the words when what is asked for (`of`) has changed, and not with every event. */
function Announcer({ of, words }: { of: string; words: string }) {
  const said = useSignal('');
  const asked = useRef(of);
  useEffect(() => {
    if (asked.current === of) return;
    asked.current = of;
    said.value = words;
  }, [of]);
  return (
    <p class="unseen" role="status">
      {said.value}
    </p>
  );
}

function EventRow({ item }: { item: FeedItem }) {
  const { severity, sentence, time, node, runtime } = item;
  return (
    <li class={`event is-${severity === 'info' ? severity : SHAPES[severity]}`}>
      {severity === 'info' ? <span class="dot" /> : <StatusIcon shape={SHAPES[severity]} />}
      <p>
        {severity !== 'info' && <strong>{severityLabel(severity)} </strong>}
        {sentence}
      </p>
      <span class="links">
        {node !== undefined && (
          <a href={hashOf({ view: 'nodes', id: node, parameters: {} })}>
            Node<span class="unseen"> {node}</span>
          </a>
        )}
        {node !== undefined && runtime !== undefined && (
          <a
            href={hashOf({
              view: 'events',
              parameters: { ...route.value.parameters, logs: `${node}/${runtime}` },
            })}
          >
            Log<span class="unseen"> of {`${node}/${runtime}`}</span>
          </a>
        )}
      </span>
      <EventTime time={time} />
    </li>
  );
}
