// Owns the question that sets an alert or changes one. What is wrong is told at its field before the hub is asked; what the
// hub refuses is told below.

import { useSignal } from '@preact/signals';
import { useId, useRef } from 'preact/hooks';
import type { Alert } from '../../contract/alerts.ts';
import { alerts, changeAlert, setAlert } from '../model/alerts.ts';
import { changeOf, formOf, submissionOf, type AlertForm, type Field } from '../view-model/alert-form.ts';
import { AlertFields } from './alert-fields.tsx';
import { Question } from './question.tsx';

export function AlertDialog({ before, onClose }: { before?: Alert; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const opened = useRef(formOf(before));
  const form = useSignal<AlertForm>(opened.current);
  const fault = useSignal<{ field: Field; told: string } | undefined>(undefined);
  const refusal = useSignal<string | undefined>(undefined);
  const isSending = useSignal(false);

  const set = (more: Partial<AlertForm>): void => {
    form.value = { ...form.value, ...more };
    fault.value = undefined;
    refusal.value = undefined;
  };
  const send = async (): Promise<void> => {
    const taken = alerts.value?.map((alert) => alert.id) ?? [];
    // What is typed while it is sent was not checked, and is not sent.
    const typed = form.value;
    const submission = submissionOf(typed, before, taken);
    if (!submission.ok) {
      fault.value = submission;
      // Also where it is told for the second time, and nothing is drawn anew.
      dialog.current?.querySelector<HTMLElement>(`[data-field="${submission.field}"]`)?.focus();
      return;
    }
    isSending.value = true;
    refusal.value = await (before === undefined
      ? setAlert(submission.id, submission.request)
      : changeAlert(before.id, (now) => changeOf(typed, opened.current, now)));
    isSending.value = false;
    if (refusal.value === undefined) dialog.current?.close();
  };

  return (
    <Question
      dialog={dialog}
      title={before === undefined ? 'Set an alert' : `Change ${before.id}`}
      words={{ act: 'Set', acting: 'Sending …' }}
      isSending={isSending.value}
      refusal={refusal.value}
      noValidate
      onSubmit={() => void send()}
      onClose={onClose}
    >
      <AlertFields form={form.value} before={before} fault={fault.value} set={set} id={id} />
    </Question>
  );
}
