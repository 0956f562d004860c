/** `sip-push check`: checks a package of push applications against the contract. */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../../../core/errors.js';
import { printable } from '../../../core/text.js';
import type { CheckReport } from '../../check/check.js';
import type { Finding } from '../../check/finding.js';
import type { CheckPlan } from '../../check/plan.js';
import { BUNDLED_APPLICATIONS } from '../../manifest/this-package.js';
import type { Arguments, Command } from '../command.js';
import type { IoStreams } from '../io-streams.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push check DIRECTORY [--with PACKAGE] [--json]

Checks the built push applications of a package against the contract: the manifest; start and stop without
leaked resources; each declared type in pager and session mode; content that is too large, of another type, or
malformed; streams that are slow or interrupted; a repeated push; a crash between receive and commit; several pushes
at once; a stop during a delivery. The applications run on the real runtime without a network, in a separate process.
The process is not a sandbox: check only packages that you trust.

Content comes from "samples" in package.json ({ "text/plain": ["./samples/hello.txt"] }); some types have built-in
samples. Options come from the first of the "examples" in the schema of the options.

Each finding describes what happened, where, and what to change. The score starts at 100: each violated rule costs
20 for an error (more if it prevents other checks), 5 for a warning, 1 for advice.

  DIRECTORY        the folder of the package, or the id of a bundled application, e.g. mms.ua
  --with PACKAGE   an application that provides a service: its package or path, as in a host's configuration; can be
                   repeated
  --json           prints each finding as one JSON object per line on stdout, then the score

Exit code: 0 no errors; 1 errors; 2 if the command is invalid.

Example
  sip-push check ./my-app`;

export const check: Command = {
  name: 'check',
  help: HELP,
  options: { with: { type: 'string', multiple: true }, json: { type: 'boolean' } },
  operands: true,
  async run(args, io) {
    const json = args.has('json');
    const own = await planFor(args, io, json);
    if (!own) return EXIT.failed;
    const { providerOf } = await import('../../check/plan.js');
    const plan = { ...own, providers: await Promise.all(args.list('with').map(providerOf)) };
    // Loaded here, so that other commands start without the runtime and the agents.
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
    // After a signal the findings are incomplete.
    if (!report) return EXIT.failed;
    print(report, io, json);
    return report.findings.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.ok;
  },
};

/** @returns undefined if the manifest is invalid. The finding is already printed then. */
async function planFor(
  { operands }: Arguments,
  io: IoStreams,
  json: boolean,
): Promise<CheckPlan | undefined> {
  const [directory, more] = operands;
  if (directory === undefined || more !== undefined) {
    throw new UsageError('expected one folder of a package, e.g. sip-push check ./my-app');
  }
  if (BUNDLED_APPLICATIONS.includes(directory)) return await bundledPlan(directory);
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
      change:
        'write "sipPush" as described by sip-push/manifest.schema.json; with "$schema", an editor completes it',
    };
    print({ apps: [], findings: [finding], score: 0, milliseconds: 0 }, io, json);
    return undefined;
  }
}

/** The folder of a bundled application is not that of a package. */
async function bundledPlan(id: string): Promise<CheckPlan> {
  const { bundledApplication } = await import('../../manifest/bundled.js');
  const { exampleOptions } = await import('../../manifest/check-options.js');
  const module = import.meta.resolve(`sip-push/apps/${id}`);
  const options = exampleOptions(await bundledApplication(id));
  const folder = fileURLToPath(new URL('.', module));
  return { apps: [{ module, folder, samples: [], options }] };
}

function print({ apps, findings, score, milliseconds }: CheckReport, io: IoStreams, json: boolean): void {
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
