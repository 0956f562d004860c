/** Host names, which a browser resolves by itself and tells nobody. */

import type { Platform } from '../platform.js';

export const resolve: Platform['resolve'] = async () => undefined;
