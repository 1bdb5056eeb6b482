// Owns the feed as a signal: what was heard since the page opened, and what the hub told of before.

import { signal, type ReadonlySignal } from '@preact/signals';
import type { Event } from '../../contract/events.ts';
import { EMPTY_FEED, paused, resumed, withEvent, type Feed } from '../view-model/event-feed.ts';

const current = signal<Feed>(EMPTY_FEED);
export const feed: ReadonlySignal<Feed> = current;

/** Every event of the fleet comes by here. */
export function tellFeed(event: Event): void {
  current.value = withEvent(current.value, event);
}

export function pauseFeed(): void {
  current.value = paused(current.value);
}

export function resumeFeed(): void {
  current.value = resumed(current.value);
}
