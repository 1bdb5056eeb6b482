// Owns what the views keep over time: every event and every word of a node is passed on to whoever keeps something of it.

import { onEvent } from '../connection/live.ts';
import { tellActs } from './acts.ts';
import { tellAlerts } from './alerts.ts';
import { tellFeed } from './event-feed.ts';
import { watchNodes } from './fleet.ts';
import { forgetSamples, tellSamples, tellSilence } from './samples.ts';

/** Before the fleet is followed, so that nothing is missed. */
export function keepViews(): void {
  onEvent(tellFeed);
  onEvent(tellActs);
  onEvent(tellAlerts);
  watchNodes({ heard: tellSamples, silent: tellSilence, gone: forgetSamples });
}
