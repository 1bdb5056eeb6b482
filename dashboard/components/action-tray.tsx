// Owns where acts are told: each under way or at its end, kept until it is put away, and announced politely.

import { useSignal, useSignalEffect } from '@preact/signals';
import { acts, dismissAct } from '../model/acts.ts';
import { hubTime } from '../model/clock.ts';
import { progressTone, progressWords } from '../view-model/action-progress.ts';
import { StatusMark } from './status-mark.tsx';

const MARKS = { busy: 'starting', good: 'ready', bad: 'error' } as const;
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
              return (
                <li key={id} class={`act ${tone}`}>
                  <StatusMark status={MARKS[tone]} />
                  <p>
                    <strong>{WORDS[tone]}</strong> {progressWords(progress, hubTime())}
                  </p>
                  <button type="button" class="button small" onClick={() => dismissAct(id)}>
                    Put away<span class="hidden">: {progressWords(progress, hubTime())}</span>
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
    <p class="hidden" role="status">
      {said.value}
    </p>
  );
}

const heard = new Set<string>();
