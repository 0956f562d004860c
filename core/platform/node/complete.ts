/** The platform with every optional part. `#platform/complete` resolves here. */

import '../memory-store.js';
import './level-store.js';
import './web-sockets.js';
