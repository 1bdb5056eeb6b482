// Owns the address as a signal: what is shown follows it, and what people choose changes it.

import { signal, type ReadonlySignal } from '@preact/signals';
import { hashOf, parseRoute, type Route } from '../view-model/route.ts';

const current = signal(parseRoute(location.hash));
addEventListener('hashchange', () => {
  current.value = parseRoute(location.hash);
});

export const route: ReadonlySignal<Route> = current;
/** A step that "Back" takes back. @public */
export function go(to: Route): void {
  location.hash = hashOf(to);
}

/** The same place, told more precisely: no step, so that "Back" does not walk through every letter of a search. */
export function setParameters(parameters: Route['parameters']): void {
  const to = { ...current.value, parameters: { ...current.value.parameters, ...parameters } };
  history.replaceState(null, '', hashOf(to));
  current.value = parseRoute(location.hash);
}
