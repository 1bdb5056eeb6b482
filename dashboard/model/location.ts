// Owns the address as a signal: what is shown follows it.

import { signal, type ReadonlySignal } from '@preact/signals';
import { parseRoute, type Route } from '../view-model/route.ts';

const current = signal(parseRoute(location.hash));
addEventListener('hashchange', () => {
  current.value = parseRoute(location.hash);
});

export const route: ReadonlySignal<Route> = current;
