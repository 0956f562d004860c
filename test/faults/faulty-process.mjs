/**
 * Applies a life of `schedule.ts` to the process that imports this module: `node --import ./faulty-process.mjs`,
 * with the life as JSON in SIP_PUSH_LIFE. A write is a batch of the store, or an operation that changes a file.
 */

import { execFileSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { ClassicLevel } from 'classic-level';

const { kill, date, step, full } = JSON.parse(process.env.SIP_PUSH_LIFE);
const { now } = Date;
let offset = date;
let writes = 0;

Date.now = () => now() + offset;
globalThis.Date = new Proxy(Date, {
  construct: (target, args) => Reflect.construct(target, args.length === 0 ? [target.now()] : args),
});

/** Node.js runs this module in each worker too. */
if (isMainThread) {
  for (const name of ['_put', '_del', '_batch', '_clear']) replace(ClassicLevel.prototype, name);
  const file = await files.open(fileURLToPath(import.meta.url));
  for (const name of ['write', 'writev', 'truncate', 'sync', 'datasync'])
    replace(Object.getPrototypeOf(file), name);
  await file.close();
  for (const name of ['rename', 'rm', 'mkdir']) replace(files, name);
  syncBuiltinESMExports();
  // With this listener, a write beyond the limit fails as on a full disk. Without it, the signal ends the process.
  process.on('SIGXFSZ', () => {});
}

function replace(target, name) {
  const original = target[name];
  target[name] = async function (...args) {
    const number = ++writes;
    if (number === step?.write) {
      offset += step.by;
      report('step');
    }
    if (number === full?.write) {
      limitFiles('1');
      setTimeout(() => limitFiles('unlimited'), full.milliseconds);
      report('full');
    }
    const phase = number === kill?.write ? kill.phase : undefined;
    if (phase === 'before') die();
    const written = original.apply(this, args);
    if (phase === 'during') die();
    const result = await written;
    if (phase === 'after') die();
    return result;
  };
}

function limitFiles(bytes) {
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`]);
}

/** The test counts these lines. */
function report(fault) {
  writeSync(2, `fault: ${fault}\n`);
}

function die() {
  process.kill(process.pid, 'SIGKILL');
}
