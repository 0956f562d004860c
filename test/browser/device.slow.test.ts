/** A device in a page of Chromium: what it stores, and its pushes through Kamailio. */

import { describePeer } from '../support/programs/peers.js';
import { acceptingPushes, embedded, kamailio, keepingPushes } from './device-suites.js';

describePeer('chromium', 'the storage of a device in a browser, at the embedded network', () =>
  keepingPushes(embedded),
);
describePeer(['chromium', 'kamailio'], 'a device in a browser, at Kamailio', () => acceptingPushes(kamailio));
describePeer(['chromium', 'kamailio'], 'the storage of a device in a browser, at Kamailio', () =>
  keepingPushes(kamailio),
);
