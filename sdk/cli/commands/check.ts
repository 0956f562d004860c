/** `sip-push check`: a package of push applications, held against the contract. */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../../../core/errors.js';
import { printable } from '../../../core/text.js';
import type { CheckReport } from '../../check/check.js';
import type { Finding } from '../../check/finding.js';
import type { CheckPlan } from '../../check/plan.js';
import { BUNDLED_APPLICATIONS } from '../../manifest/this-package.js';
import type { Command, Words } from '../command.js';
import { EXAMPLE_OPTIONS } from '../demo/examples.js';
import type { Io } from '../io.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push check DIRECTORY [--json]

Holds the push applications of a package, as they are built, against the contract: its manifest; that they
start, stop, and leave nothing behind; each declared type in pager and session mode; what is too large, of
another type, or broken; streams that are slow or break off; the same push twice; a crash between receive and
commit; being stopped in the middle. They run on the real runtime, without a network, in a process of their
own; a check is no sandbox, though: they can do there what any program can.

Content comes from "samples" in package.json ({ "text/plain": ["./samples/hello.txt"] }); for some types
there are built-in ones. Options come from the first of "examples" in the schema of the options.

Each finding says what happened, where, and what to write instead. The score is of 100: a rule that was
broken costs 20 as an error, more where little else could be checked, 5 as a warning, 1 as advice.

  DIRECTORY   the folder of the package; or the id of a bundled application, mms.ua
  --json      each finding as one JSON object a line on stdout, then the score

Exit code: 0 no errors, 1 errors, 2 wrong usage.

Example
  sip-push check ./my-app`;

export const check: Command = {
  name: 'check',
  help: HELP,
  options: { json: { type: 'boolean' } },
  operands: true,
  async run(words, io) {
    const json = words.has('json');
    const plan = await planFor(words, io, json);
    if (!plan) return EXIT.failed;
    // It brings the runtime and both agents: the other commands start without.
    const { check: runCheck } = await import('../../check/check.js');
    const running = runCheck(plan, {
      signal: io.signal,
      onProgress: ({ app, step, done, steps }) => {
        if (io.terminal) io.status(`${printable(app)}: ${step} (${done + 1} of ${steps})`);
      },
    });
    const report = await running.catch((error: unknown) => {
      if (io.signal.aborted) return undefined;
      throw error;
    });
    // Told to end: what was found by then is half of it.
    if (!report) return EXIT.failed;
    print(report, io, json);
    return report.findings.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.ok;
  },
};

/** @returns undefined when the manifest is what is wrong: that is a finding, and all that there is. */
async function planFor({ operands }: Words, io: Io, json: boolean): Promise<CheckPlan | undefined> {
  const [directory, more] = operands;
  if (directory === undefined || more !== undefined) {
    throw new UsageError('expected the folder of one package: sip-push check ./my-app');
  }
  if (BUNDLED_APPLICATIONS.includes(directory)) return bundledPlan(directory);
  if (!existsSync(join(directory, 'package.json'))) {
    throw new UsageError(`no package.json in ${directory}: expected the folder of a package`);
  }
  try {
    const { planOf } = await import('../../check/plan.js');
    return await planOf(resolve(directory));
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const finding: Finding = {
      rule: 'manifest',
      severity: 'error',
      what: error.message.replaceAll('\n', '; '),
      where: 'package.json',
      change: 'write "sipPush" as sip-push/manifest.schema.json has it; "$schema" lets an editor help',
    };
    print({ apps: [], findings: [finding], score: 0, milliseconds: 0 }, io, json);
    return undefined;
  }
}

/** They have no package of their own. */
function bundledPlan(id: string): CheckPlan {
  const module = import.meta.resolve(`sip-push/apps/${id}`);
  const options = EXAMPLE_OPTIONS.get(id);
  const folder = fileURLToPath(new URL('.', module));
  return { apps: [{ module, folder, samples: [], options }] };
}

function print({ apps, findings, score, milliseconds }: CheckReport, io: Io, json: boolean): void {
  if (json) {
    for (const finding of findings) io.out(JSON.stringify({ event: 'finding', ...finding }));
    io.out(JSON.stringify({ event: 'score', score, apps, milliseconds }));
    return;
  }
  for (const { rule, severity, app, what, where, change } of findings) {
    io.out(printable(`${severity}  ${rule}${app === undefined ? '' : ` (${app})`}`));
    io.out(printable(`  what    ${what}`));
    io.out(printable(`  where   ${where}`));
    io.out(printable(`  change  ${change}`));
  }
  io.out(printable(`${apps.join(', ') || 'no application'}: ${score} of 100`));
}
