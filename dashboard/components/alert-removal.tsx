// Owns the question before an alert is removed: what goes with it, and that nobody is told so.

import { useSignal } from '@preact/signals';
import { useId, useRef } from 'preact/hooks';
import { hostOf, shapeWords } from '../../contract/alert-words.ts';
import type { Alert } from '../../contract/alerts.ts';
import { removeAlert } from '../model/alerts.ts';
import { counted } from '../view-model/figures.ts';
import { Question } from './question.tsx';

export function AlertRemoval({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const isSending = useSignal(false);
  const refusal = useSignal<string | undefined>(undefined);
  const remove = async (): Promise<void> => {
    isSending.value = true;
    refusal.value = await removeAlert(alert.id);
    isSending.value = false;
    if (refusal.value !== undefined) return;
    // Its card goes, and with it what had the focus.
    dialog.current?.close();
    document.getElementById('set-alert')?.focus();
  };
  return (
    <Question
      dialog={dialog}
      title={`Remove ${alert.id}`}
      describedBy={`${id}cost`}
      words={{ act: 'Remove', acting: 'Removing …' }}
      isSending={isSending.value}
      refusal={refusal.value}
      onSubmit={() => void remove()}
      onClose={onClose}
    >
      <ul id={`${id}cost`} class="cost">
        <li>
          {shapeWords(alert.shape)} at {hostOf(alert)} is told nothing more.
        </li>
        {alert.open.length > 0 && (
          <li>The end of {counted(alert.open.length, 'problem')} that it has told is not told.</li>
        )}
        <li>Its address and its secret are forgotten. To keep them, switch it off instead.</li>
      </ul>
    </Question>
  );
}
