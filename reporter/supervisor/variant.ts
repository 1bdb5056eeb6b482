// Owns the variant of a runtime: which of the manifest's presets it is launched with, and in which sandbox.

import type { SandboxKind } from '../../contract/words.ts';

/** What is left out is as the manifest says. */
export type Variant = Readonly<{ preset?: string; sandbox?: SandboxKind }>;

export const AS_MANIFEST: Variant = {};

type Wished = { preset?: string | undefined; sandbox?: SandboxKind | undefined };

/** The variant with what a wish names; what it does not name stays. */
export function withWish(variant: Variant, wish: Wished | undefined): Variant {
  const { preset = variant.preset, sandbox = variant.sandbox } = wish ?? {};
  return { ...(preset !== undefined && { preset }), ...(sandbox !== undefined && { sandbox }) };
}

export function sameVariant(a: Variant, b: Variant): boolean {
  return a.preset === b.preset && a.sandbox === b.sandbox;
}
