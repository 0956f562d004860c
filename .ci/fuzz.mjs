/**
 * Fuzzes the readers of bytes from the network, and prints a table: surfaces, messages, failures, peak memory.
 *
 *   node .ci/fuzz.mjs [--surface NAME]… [--runs N] [--time SECONDS] [--seed N]
 *
 * Without --surface all surfaces run in turn, each in a process of its own, so that an endless loop ends with its process.
 * --runs: inputs of each surface. --time: seconds for each surface, instead of --runs.
 */

import { runTestProgram } from './test-program.mjs';

await runTestProgram('fuzz');
