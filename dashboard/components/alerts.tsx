// Owns the view of alerts: whom the hub tells of problems, and what to do where it tells nobody yet.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { alertNews, alerts, alertsFault, lookAtAlerts, watchAlerts } from '../model/alerts.ts';
import { counted } from '../view-model/figures.ts';
import { AlertCard } from './alert-card.tsx';
import { AlertDialog } from './alert-dialog.tsx';
import { Skeleton } from './skeleton.tsx';
import { StatusIcon } from './status-icon.tsx';

/** @param chosen the one that an address names. */
export function Alerts({ chosen }: { chosen: string | undefined }) {
  useEffect(watchAlerts, []);
  const isSetting = useSignal(false);
  const all = alerts.value;
  const shown = all?.filter(({ id }) => chosen === undefined || id === chosen);
  return (
    <>
      {chosen !== undefined && (
        <p class="path">
          <a href="#/alerts">All alerts</a>
        </p>
      )}
      <div class="tools">
        <h1>{chosen ?? 'Alerts'}</h1>
        <button type="button" class="primary" id="set-alert" onClick={() => (isSetting.value = true)}>
          Set an alert
        </button>
        <p class="count" role="status">
          {all === undefined ? '' : counted(all.length, 'alert')}
        </p>
      </div>
      <Announcer />
      <Fault isOld={all !== undefined} />
      {shown === undefined && alertsFault.value === undefined && <Skeleton />}
      {all?.length === 0 && <NoAlerts />}
      {all !== undefined && all.length > 0 && shown?.length === 0 && (
        <p class="empty">There is no alert of this name: it was removed, or its link has a mistake.</p>
      )}
      <ul class="records">
        {shown?.map((alert) => (
          <AlertCard key={alert.id} alert={alert} />
        ))}
      </ul>
      {isSetting.value && <AlertDialog onClose={() => (isSetting.value = false)} />}
    </>
  );
}

/** On the page from the start: what comes with its text is not announced. */
function Announcer() {
  const { count, words } = alertNews.value;
  return (
    <p class="unseen" role="status">
      <span key={count}>{words}</span>
    </p>
  );
}

function Fault({ isOld }: { isOld: boolean }) {
  const told = alertsFault.value;
  if (told === undefined) return null;
  return (
    <div class="notice" role="alert">
      <StatusIcon shape="error" />
      <p>
        <strong>The alerts cannot be read.</strong> Reason: {told}.
        {isOld && ' What is shown is what was read last.'}
      </p>
      <button type="button" onClick={() => void lookAtAlerts()}>
        Try again
      </button>
    </div>
  );
}

function NoAlerts() {
  return (
    <section class="empty">
      <h2>The hub tells nobody yet</h2>
      <p>
        An alert tells Slack, Discord or any HTTP receiver when a runtime fails, a node falls silent or a
        restart budget is spent, and when it is well again.
      </p>
      <ol class="steps">
        <li>
          Make a webhook. In Slack: <em>Apps</em>, <em>Incoming Webhooks</em>, <em>Add</em>. In Discord:{' '}
          <em>Channel settings</em>, <em>Integrations</em>, <em>Webhooks</em>.
        </li>
        <li>Copy its address, and paste it under “Set an alert”.</li>
        <li>Press “Test”: the answer of the receiver appears here.</li>
      </ol>
    </section>
  );
}
