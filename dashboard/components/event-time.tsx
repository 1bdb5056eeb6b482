// Owns a time on the page: how long ago, drawn again only when its words change, and the exact time beside it.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { hubTime } from '../model/clock.ts';
import { agoChangesInMs, agoWords, exactTime } from '../view-model/event-time.ts';
import { clockTime } from '../view-model/times.ts';

export function EventTime({ time }: { time: string }) {
  const now = useSignal(hubTime());
  useEffect(() => {
    const timer = setTimeout(() => (now.value = hubTime()), agoChangesInMs(time, now.value));
    return () => clearTimeout(timer);
  }, [time, now.value]);
  return (
    <time class="event-time" dateTime={time} title={exactTime(time)}>
      {agoWords(time, now.value)} <span class="muted">{clockTime(time, now.value)}</span>
    </time>
  );
}
