#!/usr/bin/env node
/** The entry of `sip-push`. Signals are handled from the start, before the program is loaded. */

import { endProcess, processIo } from './io.js';

const io = processIo();
const { run } = await import('./program.js');
endProcess(await run(process.argv.slice(2), io));
