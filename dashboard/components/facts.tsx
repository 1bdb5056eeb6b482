// Owns how figures and words stand by their names; what is unknown is told faintly.

import { UNKNOWN } from '../view-model/figures.ts';

export function Facts({ facts }: { facts: readonly (readonly [name: string, words: string])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, words]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class={words === UNKNOWN ? 'muted' : undefined}>{words}</dd>
        </div>
      ))}
    </dl>
  );
}
