/** The embedded core over TCP and UDP. Prints its memory in bytes for each line on its standard input. */

import { createInterface } from 'node:readline';
import { startNetwork } from '../../../sdk/network/index.js';

const network = await startNetwork({
  listen: ['sip:127.0.0.1:0;transport=tcp', 'sip:127.0.0.1:0;transport=udp'],
});
console.log(`listening ${network.uris.join(' ')}`);
let highest = 0;
setInterval(() => {
  highest = Math.max(highest, process.memoryUsage.rss());
}, 100).unref();
for await (const _ of createInterface({ input: process.stdin })) {
  console.log(`memory ${Math.max(highest, process.memoryUsage.rss())}`);
}
await network.close();
