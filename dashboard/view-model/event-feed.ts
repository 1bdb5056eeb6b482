// Owns the feed of events: bounded, newest first, each once, held back while somebody reads.

import type { Event } from '../../contract/events.ts';
import { isFound } from './node-view.ts';
import { eventWords, type EventGroup, type EventWords } from './event-words.ts';

/** What anybody scrolls through; GET /events?after=0 has the whole log. */
export const FEED_MAX = 500;

export type FeedItem = EventWords & { key: string; time: string };

export type Feed = {
  /** Newest first. */
  shown: readonly FeedItem[];
  held: readonly FeedItem[];
  paused: boolean;
  /** The last id that was taken in, so that what is repeated after a reconnect is not told twice. */
  lastId: string | undefined;
  /** Items of the stream itself have no id. */
  unnumbered: number;
};

export const EMPTY_FEED: Feed = { shown: [], held: [], paused: false, lastId: undefined, unnumbered: 0 };

export function withEvent(feed: Feed, event: Event): Feed {
  const { id } = event;
  if (id !== undefined && feed.lastId !== undefined && !isLater(id, feed.lastId)) return feed;
  const words = eventWords(event);
  const moved = id === undefined ? feed : { ...feed, lastId: id };
  if (words === undefined) return moved;
  const unnumbered = feed.unnumbered + (id === undefined ? 1 : 0);
  const item = { ...words, time: event.time, key: id ?? `stream-${unnumbered}` };
  const list = feed.paused ? 'held' : 'shown';
  return { ...moved, unnumbered, [list]: [item, ...moved[list]].slice(0, FEED_MAX) };
}

export function paused(feed: Feed): Feed {
  return { ...feed, paused: true };
}

export function resumed(feed: Feed): Feed {
  return { ...feed, paused: false, shown: [...feed.held, ...feed.shown].slice(0, FEED_MAX), held: [] };
}

export type FeedFilter = { group: EventGroup | 'all'; severity: 'all' | 'attention'; text: string };

/** What the stream says of itself is shown under every filter: it tells that something is missing. */
export function shownBy(items: readonly FeedItem[], { group, severity, text }: FeedFilter): FeedItem[] {
  return items.filter((item) => {
    if (item.group === 'stream') return true;
    if (group !== 'all' && item.group !== group) return false;
    if (severity === 'attention' && item.severity === 'info') return false;
    return text === '' || isFound(item.sentence.toLowerCase(), text);
  });
}

/** Decimal texts of any length: the longer is the later. */
function isLater(id: string, than: string): boolean {
  return id.length === than.length ? id > than : id.length > than.length;
}
