#!/usr/bin/env node
/** `sip-push`, from its first moment: whoever ends it while it loads has it end as it would later. */

import { processIo } from './io.js';

const io = processIo();
const { run } = await import('./program.js');
process.exitCode = await run(process.argv.slice(2), io);
