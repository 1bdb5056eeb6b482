#!/usr/bin/env node
// Owns the command line of the sandbox program: the reporter starts `outer` on the host, which starts `inner` in the
// sandbox. Nothing of the reporter is imported here, since inside nothing of it is there.

import { runInner } from './inner.ts';
import { runOuter } from './outer.ts';
import { parsePlan } from './plan.ts';

const [end, ...rest] = process.argv.slice(2);
if (end === 'outer') {
  const [plan, command = '', ...args] = rest;
  runOuter(parsePlan(plan), command, args);
} else if (end === 'inner') {
  const [host = '', port, command = '', ...args] = rest;
  runInner(host, Number(port), command, args);
} else {
  process.stderr.write('The reporter starts this program; `arw-reporter run --help` tells how.\n');
  process.exitCode = 2;
}
