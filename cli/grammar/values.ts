// Owns flags and arguments whose values are known somewhere else, so that completion knows where to look.

import { Argument, Option } from 'commander';

export type ValueSource = 'runtime' | 'node' | 'model' | 'preset' | 'job' | 'profile' | 'event' | 'alert';

const SOURCES = new WeakMap<Option | Argument, ValueSource>();

function from<T extends Option | Argument>(source: ValueSource, value: T): T {
  SOURCES.set(value, source);
  return value;
}

export function sourceOf(value: Option | Argument): ValueSource | undefined {
  return SOURCES.get(value);
}

export function runtimeOption(): Option {
  const words = '<node>/<runtime>, or <runtime> where one node has it';
  return from('runtime', new Option('--id <runtime>', words).makeOptionMandatory());
}

export function modelOption(words: string): Option {
  return from('model', new Option('--model <name>', words));
}

export function presetOption(words: string): Option {
  return from('preset', new Option('--preset <name>', words));
}

export function nodeOption(words: string): Option {
  return from('node', new Option('--node <node>', words));
}

export function profileOption(): Option {
  return from('profile', new Option('--profile <name>', 'a hub that is kept under this name (ARW_PROFILE)'));
}

export function prefixOption(words: string): Option {
  return from('event', new Option('--prefix <kinds>', words));
}

export function nodeArgument(): Argument {
  return from('node', new Argument('<node>', 'its name, as `node list` has it'));
}

export function jobArgument(): Argument {
  return from('job', new Argument('<job>', 'its id, as `job list` has it'));
}

export function alertArgument(words = 'its name, as `alert list` has it'): Argument {
  return from('alert', new Argument('<alert>', words));
}

export function profileArgument(): Argument {
  return from('profile', new Argument('<name>', 'its name, as `profile list` has it'));
}
