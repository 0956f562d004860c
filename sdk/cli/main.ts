#!/usr/bin/env node
/** The entry of `sip-push`. Signals are handled from the start, before the program is loaded. */

import { processIo } from './io.js';

const io = processIo();
const { run } = await import('./program.js');
process.exitCode = await run(process.argv.slice(2), io);
