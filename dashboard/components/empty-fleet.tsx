// Owns what is shown while no node has reported: how the first one is made to, with a command that works as it stands.

import { useSignal } from '@preact/signals';
import { JoinTokenResponseSchema } from '../../contract/node-api.ts';
import { ask } from '../connection/ask.ts';
import { clock } from '../model/node-facts.ts';

const PLACEHOLDER = '<join token>';

export function EmptyFleet() {
  const token = useSignal<string | undefined>(undefined);
  const told = useSignal('');
  const make = async (): Promise<void> => {
    const answer = await ask('join-tokens', JoinTokenResponseSchema, { method: 'POST', body: {} });
    if (answer.kind === 'ok') {
      token.value = answer.value.join_token;
      told.value = `It works once, until ${clock(answer.value.expires_at)}.`;
    } else {
      told.value = answer.kind === 'refused' ? answer.told : 'The hub gave no join token. Try again.';
    }
  };
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(command);
      told.value = 'Copied.';
    } catch {
      // Without TLS a browser has no clipboard, and a person may forbid it.
      told.value = 'The browser does not allow that here: select the command.';
    }
  };
  const hub = new URL('.', document.baseURI).href.replace(/\/$/, '');
  const command = `ARW_JOIN_TOKEN=${token.value ?? PLACEHOLDER} arw-reporter run --hub ${hub}`;
  return (
    <section class="empty">
      <h2>No node has reported yet</h2>
      <p>On each host that runs models, install the package and start the reporter:</p>
      <pre tabIndex={0}>
        <code>
          npm install --global runtime-matrix{'\n'}
          {command}
        </code>
      </pre>
      <p>
        <button type="button" class="primary" onClick={() => void make()}>
          Make a join token
        </button>
        <button type="button" onClick={() => void copy()} disabled={token.value === undefined}>
          Copy the command
        </button>
      </p>
      <p role="status">{told}</p>
      <p class="muted">The node appears here by itself, within a second of its first snapshot.</p>
    </section>
  );
}
