// Owns one alert on the page: whom it tells of what, what is open, how its messages fare, and what can be done with it.

import { useComputed, useSignal } from '@preact/signals';
import { deliveryWords, hostOf, isFailing, ruleFacts, shapeWords } from '../../contract/alert-words.ts';
import type { Alert } from '../../contract/alerts.ts';
import { switchAlert, testAlert, turns } from '../model/alerts.ts';
import { hubSecond } from '../model/clock.ts';
import { clock } from '../model/node-facts.ts';
import { alertState, nextAttemptWords, openWords } from '../view-model/alert-facts.ts';
import { exactTime } from '../view-model/event-time.ts';
import { spanWords } from '../view-model/figures.ts';
import type { Shape } from '../view-model/node-view.ts';
import { hashOf } from '../view-model/route.ts';
import { AlertDialog } from './alert-dialog.tsx';
import { AlertRemoval } from './alert-removal.tsx';
import { EventTime } from './event-time.tsx';
import { Facts } from './facts.tsx';
import { Status, StatusIcon } from './status-icon.tsx';

const SHAPES: Record<'busy' | 'good' | 'bad', Shape> = { busy: 'starting', good: 'ready', bad: 'error' };

export function AlertCard({ alert }: { alert: Alert }) {
  const asked = useSignal<'change' | 'remove' | undefined>(undefined);
  const { id, shape, enabled, open } = alert;
  const state = alertState(alert);
  const turn = turns.value.get(id);
  const isBusy = turn?.tone === 'busy';
  const close = (): void => {
    asked.value = undefined;
  };
  return (
    <li class={`record alert ${isFailing(alert) ? 'is-degraded' : ''}`} data-alert={id}>
      <header>
        <h2>
          <a href={hashOf({ view: 'alerts', id, parameters: {} })}>{id}</a>
        </h2>
        <Status shape={state.shape} word={state.word} />
        <span class="muted">
          {shapeWords(shape)} at {hostOf(alert)}
        </span>
      </header>
      <Facts facts={ruleFacts(alert)} />
      <h3>Open now</h3>
      {open.length === 0 ? (
        <p class="muted">Nothing: no problem is told and not yet over.</p>
      ) : (
        <ul class="openings" aria-label={`Open now, as ${id} tells it`}>
          {open.map((item) => {
            const words = openWords(item);
            return (
              <li key={item.key}>
                <Status shape={words.shape} word={words.word} />{' '}
                <span>
                  {words.sentence} <Since time={item.since} />
                </span>
              </li>
            );
          })}
        </ul>
      )}
      <h3>Delivery</h3>
      <Delivery alert={alert} />
      {turn !== undefined && (
        <p class={`turn ${turn.tone} is-${SHAPES[turn.tone]}`}>
          <StatusIcon shape={SHAPES[turn.tone]} /> {turn.words}
        </p>
      )}
      <p class="doing">
        <button type="button" aria-disabled={isBusy} onClick={() => !isBusy && void testAlert(id)}>
          {isBusy ? 'Testing …' : 'Test'}
          <Of id={id} />
        </button>
        <button type="button" onClick={() => void switchAlert(id, !enabled)}>
          Switch {enabled ? 'off' : 'on'}
          <Of id={id} />
        </button>
        <button type="button" onClick={() => (asked.value = 'change')}>
          Change
          <Of id={id} />
        </button>
        <button type="button" onClick={() => (asked.value = 'remove')}>
          Remove
          <Of id={id} />
        </button>
      </p>
      {asked.value === 'change' && <AlertDialog before={alert} onClose={close} />}
      {asked.value === 'remove' && <AlertRemoval alert={alert} onClose={close} />}
    </li>
  );
}

function Since({ time }: { time: string }) {
  const span = useComputed(() => spanWords(hubSecond.value - Date.parse(time)));
  return (
    <time class="muted" dateTime={time} title={exactTime(time)}>
      since {clock(time)} ({span})
    </time>
  );
}

/** Among many buttons of one word, a name for whoever hears it alone. */
function Of({ id }: { id: string }) {
  return <span class="unseen"> {id}</span>;
}

function Delivery({ alert }: { alert: Alert }) {
  const { last_delivered_at: delivered, last_error: error } = alert.delivery;
  return (
    <div class="delivery">
      <p>
        {deliveryWords(alert)}
        {delivered !== undefined && (
          <>
            , the last one <EventTime time={delivered} />
          </>
        )}
      </p>
      <NextAttempt alert={alert} />
      {error !== undefined && (
        <p class={isFailing(alert) ? 'is-error' : 'muted'}>
          {isFailing(alert) && <StatusIcon shape="error" />} The last failure: {error.message},{' '}
          <EventTime time={error.time} />
        </p>
      )}
    </div>
  );
}

function NextAttempt({ alert }: { alert: Alert }) {
  const words = nextAttemptWords(alert, hubSecond.value);
  return words === undefined ? null : <p>{words}</p>;
}
