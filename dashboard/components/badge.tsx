// Owns the badge of the header, and what a screen reader hears of it: changes alone, once they rest.

import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { isLoaded } from '../model/fleet.ts';
import { allNodes, clock, factsOf } from '../model/node-facts.ts';
import { badgeTitle, badgeWords } from '../view-model/fleet-badge.ts';

/** A restart is several changes; it is told as one. */
const REST_MS = 1500;

export function Badge() {
  const all = useComputed(() => allNodes().map((node) => factsOf(node).badge.value));
  const words = useComputed(() => (isLoaded.value ? badgeWords(all.value, clock) : 'Runtime: reading …'));
  const title = useComputed(() => badgeTitle(all.value));
  const allReady = useComputed(() => all.value.every(({ ready, total }) => ready === total));
  const spoken = useSignal('');
  const first = useRef<string>(undefined);
  useSignalEffect(() => {
    const now = words.value;
    if (!isLoaded.value) return undefined;
    first.current ??= now;
    // What is there when the page is opened is read with the page.
    if (now === first.current && spoken.peek() === '') return undefined;
    const timer = setTimeout(() => {
      spoken.value = now;
    }, REST_MS);
    return () => clearTimeout(timer);
  });
  return (
    <>
      <a class={allReady.value ? 'badge' : 'badge is-short'} href="#/nodes" title={title}>
        {words}
      </a>
      <span class="unseen" role="status">
        {spoken}
      </span>
    </>
  );
}
