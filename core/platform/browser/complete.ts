/** The platform with every optional part. `#platform/complete` resolves here under the condition `browser`. */

import '../memory-store.js';
import './level-store.js';
