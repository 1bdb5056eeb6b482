// Owns the way in: a token, turned into a session. The page keeps no token.

import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { signIn } from '../connection/session.ts';
import { Logo } from './header.tsx';

export function SignIn() {
  const field = useRef<HTMLInputElement>(null);
  const failure = useSignal<string | undefined>(undefined);
  const isBusy = useSignal(false);
  useLayoutEffect(() => field.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? '';
    if (token === '' || isBusy.value) return;
    isBusy.value = true;
    failure.value = await signIn(token);
    isBusy.value = false;
    if (failure.value !== undefined) field.current?.select();
  };
  return (
    <main class="sign-in" id="main">
      <form onSubmit={(event) => void submit(event)}>
        <Logo />
        <h1>Runtime Matrix</h1>
        <p id="how">
          Sign in with the hub’s admin token. A hub at home prints an address that signs in by itself when it
          starts.
        </p>
        <label for="token">Admin token</label>
        <input
          id="token"
          ref={field}
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          required
          aria-describedby="how failure"
          aria-invalid={failure.value !== undefined}
        />
        <p id="failure" class="failure" role="alert">
          {failure}
        </p>
        <button type="submit" class="primary" aria-busy={isBusy.value}>
          {isBusy.value ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
