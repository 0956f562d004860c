/** `sip-push replay`: a recording as a regression test. */

import { ConfigurationError } from '../../../core/errors.js';
import { printable } from '../../../core/text.js';
import { loadHostSettings } from '../../config/host.js';
import { findApplication } from '../../manifest/applications.js';
import { BUNDLED_APPLICATIONS } from '../../manifest/this-package.js';
import { type Recording, readRecording } from '../../record/recording.js';
import { type Replayed, replayRecording } from '../../record/replay.js';
import { startTestHost, type TestApp } from '../../testing/index.js';
import type { Command, Words } from '../command.js';
import { ended, type Io } from '../io.js';
import { logPrinter } from '../report.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push replay FIXTURE [--app APP]… [--config FILE] [--ignore FIELD]… [--json]

Gives what "sip-push record" has recorded to a device in memory: the same pushes, in pager and session mode, in their
order and with their pauses, on a clock of its own. What the device and its applications tell is compared with what
was recorded: outcomes, statuses, events. Nothing leaves this process.

  --app APP        an application: a bundled id (mms.ua), a path (./dist/index.js) or a package; several times for
                   several. Absent: those of the recording, where they are bundled ones
  --config FILE    applications and their options as a host's configuration has them
  --ignore FIELD   a field of events that differs each time: it is not compared. Times are the same within a second
  --json           one JSON object on stdout: replayed

Ends with 0 when all is as it was, 1 when something is different: lines with "- " were recorded, lines with "+ " came
instead; 2 when the command or the file is wrong.

Example
  sip-push replay test/fixtures/rain.recording --app ./dist/index.js`;

export const replay: Command = {
  name: 'replay',
  help: HELP,
  options: {
    app: { type: 'string', multiple: true },
    config: { type: 'string' },
    ignore: { type: 'string', multiple: true },
    json: { type: 'boolean' },
  },
  operands: true,
  async run(words, io) {
    const [file, ...more] = words.operands;
    if (file === undefined)
      throw new UsageError('replay lacks its file; expected e.g. replay rain.recording');
    if (more.length > 0) throw new UsageError(`replay takes one file; "${more[0]}" is another`);
    const recording = await readRecording(file);
    if (recording.pushes.length + recording.skipped.length === 0) {
      throw new ConfigurationError(`${file} has no pushes; expected what "sip-push record" writes`);
    }
    const [first] = recording.pushes;
    if (!first) {
      const why = recording.skipped[0]?.why;
      throw new ConfigurationError(`${file} has no push that can be given again: of the first one, ${why}`);
    }
    const apps = await applications(words, recording);
    await using host = await startTestHost({
      apps,
      trust: recording.trust,
      now: first.at,
    });
    const replaying = replayRecording(recording, host, { ignore: words.list('ignore') });
    const replayed = await Promise.race([replaying, ended(io)]);
    if (!replayed) {
      io.err('ended before all of it was given again: nothing was compared');
      return EXIT.failed;
    }
    if (replayed.differences.length > 0 && !words.has('json'))
      for (const record of host.logs) logPrinter(io)(record);
    print(replayed, words.has('json'), io);
    return replayed.differences.length === 0 ? EXIT.ok : EXIT.failed;
  },
};

async function applications(words: Words, recording: Recording): Promise<TestApp[]> {
  const named = words.list('app');
  const config = words.text('config');
  if (config !== undefined && named.length > 0) {
    throw new UsageError('--config has applications, and --app names others: expected one of them');
  }
  if (config !== undefined) {
    return (await loadHostSettings(config)).apps.map((app, index) => {
      if ('definition' in app) return app;
      throw new ConfigurationError(
        `${config}: "apps[${index}]" runs in a worker; expected "isolation": "none" for a replay`,
      );
    });
  }
  for (const id of named.length > 0 ? [] : recording.apps) {
    if (BUNDLED_APPLICATIONS.includes(id)) continue;
    throw new UsageError(
      `--app is missing: ${id} is no bundled application; expected e.g. --app ./dist/index.js`,
    );
  }
  const uses = named.length > 0 ? named : recording.apps;
  return await Promise.all(
    uses.map(async (use) => ({ definition: await findApplication(use, process.cwd()) })),
  );
}

function print({ pushes, skipped, differences }: Replayed, json: boolean, io: Io): void {
  if (json) {
    io.out(JSON.stringify({ event: 'replayed', pushes, skipped, differences }));
    return;
  }
  for (const { app, from, why } of skipped) {
    io.err(printable(`not given again: a push to ${app || 'nobody'} from ${from || 'nobody'}: ${why}`));
  }
  const unsure = [...new Set(skipped.map(({ app }) => app))].join(', ');
  if (unsure !== '') io.err(printable(`not compared therefore: events of ${unsure} itself`));
  for (const line of differences) io.out(printable(line));
  const what = pushes === 1 ? 'one push' : `${pushes} pushes`;
  io.err(
    differences.length === 0 ? `${what} given again: all as it was` : `${what} given again: not as it was`,
  );
}
