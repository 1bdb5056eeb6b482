// Owns where acts are told: each under way or at its end, kept until it is put away, and announced politely.

import { useSignal, useSignalEffect } from '@preact/signals';
import { acts, dismissAct } from '../model/acts.ts';
import { hubTime } from '../model/clock.ts';
import { freshTurn, type Turns } from '../view-model/act-turns.ts';
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
                  <button
                    type="button"
                    class="small"
                    onClick={({ currentTarget }) => putAway(id, currentTarget)}
                  >
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
  const said = useSignal({ id: 0, words: '' });
  useSignalEffect(() => {
    const turns = new Map(acts.value.map(({ id, progress }) => [id, progressWords(progress, hubTime())]));
    const fresh = freshTurn(heard, turns);
    heard = turns;
    if (fresh !== undefined) said.value = fresh;
  });
  const { id, words } = said.value;
  return (
    <p class="unseen" role="status">
      {/* Of another act the same words are a new element: they are announced too. */}
      <span key={id}>{words}</span>
    </p>
  );
}

/** For as long as the page is open: what was heard before somebody signed in again is not news. */
let heard: Turns = new Map();

/** The focus must not go with its button: it stays in the tray, or goes to the view. */
function putAway(id: number, button: HTMLElement): void {
  const item = button.closest('li');
  const neighbour = item?.nextElementSibling ?? item?.previousElementSibling;
  dismissAct(id);
  (neighbour?.querySelector('button') ?? document.getElementById('main'))?.focus();
}
