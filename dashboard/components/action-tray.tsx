// Owns where acts are told: each under way or at its end, kept until it is put away, and announced politely.

import { useSignal, useSignalEffect } from '@preact/signals';
import { acts, dismissAct } from '../model/acts.ts';
import { hubTime } from '../model/clock.ts';
import { progressTone, progressWords } from '../view-model/action-progress.ts';
import { Status } from './status-icon.tsx';

const SHAPES = { busy: 'starting', good: 'ready', bad: 'error' } as const;
const WORDS = { busy: 'Under way', good: 'Done', bad: 'Failed' } as const;

export function ActionTray() {
  return (
    <>
      <Announcer />
      {acts.value.length > 0 && (
        <section class="tray" aria-label="Acts">
          <ul>
            {acts.value.map(({ id, progress }) => {
              const tone = progressTone(progress);
              const words = progressWords(progress, hubTime());
              return (
                <li key={id} class={`act ${tone}`}>
                  <p>
                    <Status shape={SHAPES[tone]} word={WORDS[tone]} /> {words}
                  </p>
                  <button type="button" class="small" onClick={() => dismissAct(id)}>
                    Put away<span class="unseen">: {words}</span>
                  </button>
                </li>
              );
            })}
          </ul>
        </section>
      )}
    </>
  );
}

/** Says the newest turn of any act once. It is on the page from the start: what comes with its text is not announced. */
function Announcer() {
  const said = useSignal('');
  useSignalEffect(() => {
    const words = acts.value.map(({ progress }) => progressWords(progress, hubTime()));
    const fresh = words.find((text) => !heard.has(text));
    for (const text of words) heard.add(text);
    if (fresh !== undefined) said.value = fresh;
  });
  return (
    <p class="unseen" role="status">
      {said.value}
    </p>
  );
}

const heard = new Set<string>();
