/** Importing this module adds WebSocket to the platform. The package `ws` is loaded with the first connection. */

import { addWebSockets } from './channel.js';

addWebSockets(() => import('./websocket-channel.js'));
