#!/usr/bin/env node
/** The entry point of `sip-push`. Signals are handled before the program is loaded. */

import { endProcess, processStreams } from './io-streams.js';

const io = processStreams();
const { run } = await import('./program.js');
endProcess(await run(process.argv.slice(2), io));
