// Owns the frame of a question that is asked before something is done: its title, why it was refused, and the two answers.
// It stays open until the hub has answered, for what is sent cannot be taken back.

import type { ComponentChildren, RefObject } from 'preact';
import { useId, useLayoutEffect } from 'preact/hooks';

type Props = {
  /** Of the caller, who closes it. */
  dialog: RefObject<HTMLDialogElement | null>;
  title: string;
  /** The id of what says what will happen. */
  describedBy?: string;
  /** What the answer that does it is called, and while it is done. */
  words: { act: string; acting: string };
  isSending: boolean;
  /** Something is missing that it cannot be done without. */
  isIncomplete?: boolean;
  refusal: string | undefined;
  /** What is wrong with a field is told by the caller, and not by the browser. */
  noValidate?: boolean;
  onSubmit: () => void;
  onClose: () => void;
  children: ComponentChildren;
};

export function Question(props: Props) {
  const { dialog, title, describedBy, words, isSending, isIncomplete = false, refusal } = props;
  const id = useId();
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={id}
      aria-describedby={describedBy}
      onCancel={(event) => isSending && event.preventDefault()}
      onClose={props.onClose}
    >
      <form
        method="dialog"
        noValidate={props.noValidate}
        onSubmit={(event) => {
          event.preventDefault();
          if (!isSending && !isIncomplete) props.onSubmit();
        }}
      >
        <h2 id={id}>{title}</h2>
        {props.children}
        <p class="refusal" role="alert">
          {refusal}
        </p>
        <div class="buttons">
          <button
            type="button"
            aria-disabled={isSending}
            onClick={() => !isSending && dialog.current?.close()}
          >
            Cancel
          </button>
          <button type="submit" class="primary" aria-disabled={isIncomplete || isSending}>
            {isSending ? words.acting : words.act}
          </button>
        </div>
      </form>
    </dialog>
  );
}
