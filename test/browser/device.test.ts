/** A device in a page of Chromium, at the embedded network. */

import { describePeer } from '../support/programs/peers.js';
import { acceptingPushes, embedded } from './device-suites.js';

describePeer('chromium', 'a device in a browser, at the embedded network', () => acceptingPushes(embedded));
