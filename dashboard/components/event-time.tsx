// Owns a time on the page: how long ago, drawn again only when its words change, and the exact time beside it.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { hubTime } from '../model/clock.ts';
import { agoChangesInMs, agoWords, clockWords, exactTime } from '../view-model/event-time.ts';

export function EventTime({ time }: { time: string }) {
  const now = useSignal(hubTime());
  useEffect(() => {
    const timer = setTimeout(() => (now.value = hubTime()), agoChangesInMs(time, now.value));
    return () => clearTimeout(timer);
  }, [time, now.value]);
  return (
    <time class="when" dateTime={time} title={exactTime(time)}>
      {agoWords(time, now.value)} <span class="muted">{clockWords(time, now.value)}</span>
    </time>
  );
}
