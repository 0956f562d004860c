#!/usr/bin/env node
/** The entry point of `sip-push`. Signals are handled before the program is loaded. */

import { requireDescriptors } from '../../core/platform/node/descriptors.js';

try {
  // With too few, loading the program would fail at any of its modules.
  requireDescriptors();
} catch (error) {
  console.error(`sip-push: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
const { endProcess, processStreams } = await import('./io-streams.js');
const io = processStreams();
const { run } = await import('./program.js');
endProcess(await run(process.argv.slice(2), io));
