// Owns how the state of the connection is shown: a word in the header, and a line above the view while it is not live.

import { useComputed } from '@preact/signals';
import { connection, loadRefusal, tryNow } from '../connection/live.ts';
import { isLoaded } from '../model/fleet.ts';
import { clock } from '../model/node-facts.ts';
import { connectionWords } from '../view-model/connection-state.ts';
import type { Shape } from '../view-model/node-view.ts';
import { StatusIcon } from './status-icon.tsx';

const SHAPES = {
  connecting: 'starting',
  live: 'ready',
  polling: 'degraded',
  offline: 'offline',
  'signed-out': 'offline',
} as const satisfies Record<string, Shape>;

export function ConnectionPill() {
  const { kind } = connection.value;
  const { word, sentence } = connectionWords(connection.value, clock);
  return (
    <span class={`pill is-${SHAPES[kind]}`} title={sentence} role="status" data-connection={kind}>
      <StatusIcon shape={SHAPES[kind]} />
      {word}
    </span>
  );
}

/** Nothing old is to be taken for new: while the hub is not heard, every view says so. */
export function ConnectionNotice() {
  const words = useComputed(() => {
    const { kind } = connection.value;
    if (kind !== 'offline' || !isLoaded.value) return undefined;
    return connectionWords(connection.value, clock);
  });
  if (words.value === undefined) return null;
  return (
    <div class="notice" role="alert">
      <StatusIcon shape="offline" />
      <p>
        <strong>{words.value.word}.</strong> {loadRefusal.value ?? words.value.sentence}
      </p>
      <button type="button" onClick={tryNow}>
        Try now
      </button>
    </div>
  );
}
