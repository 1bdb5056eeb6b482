// Owns answers as `look` gives them, and the captured bodies of a real llama-server.

import { readFileSync } from 'node:fs';
import type { HttpLook } from '../../reporter/backends/http-probe.ts';

export function captured(file: string): string {
  return readFileSync(new URL(`../fixtures/llama-server/${file}`, import.meta.url), 'utf8');
}

export function capturedLines(file: string): string[] {
  return captured(file)
    .split('\n')
    .filter((line) => line.trim() !== '');
}

export function answer(body: string, status = 200): Extract<HttpLook, { kind: 'answer' }> {
  return { kind: 'answer', status, body, latencyMs: 1.5 };
}
