/**
 * The embedded core with a TCP listener in a process that may open few files. Answers the lines `exhaust` (opens files
 * until none can be opened) and `release` on its standard input.
 */

import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { startNetwork } from '../../../sdk/network/index.js';

const opened: number[] = [];

const network = await startNetwork({ listen: ['sip:127.0.0.1:0;transport=tcp'] });
console.log(`listening ${network.uris[0]}`);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'exhaust') {
    try {
      for (;;) opened.push(openSync('/dev/null', 'r'));
    } catch (error) {
      console.log(`exhausted ${(error as NodeJS.ErrnoException).code}`);
    }
  } else if (line === 'release') {
    for (const descriptor of opened.splice(0)) closeSync(descriptor);
    console.log('released');
  } else if (line === 'alive') {
    console.log('alive');
  }
}
await network.close();
