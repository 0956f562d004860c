/** `sip-push replay`: runs a recording as a regression test. */

import { ConfigurationError } from '../../../core/errors.js';
import { printable } from '../../../core/text.js';
import { loadHostSettings } from '../../config/host.js';
import { findApplication } from '../../manifest/applications.js';
import { BUNDLED_APPLICATIONS } from '../../manifest/this-package.js';
import { type Recording, readRecording } from '../../record/recording.js';
import { type Replayed, replayRecording } from '../../record/replay.js';
import { startTestHost, type TestApp } from '../../testing/index.js';
import type { Arguments, Command } from '../command.js';
import { type IoStreams, untilAborted } from '../io-streams.js';
import { logPrinter } from '../report.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push replay FIXTURE [--app APP]… [--config FILE] [--ignore FIELD]… [--json]

Replays the pushes of a recording of "sip-push record" on a device in memory: in pager and session mode, in their
original order and with their pauses, on a simulated clock. Compares outcomes, statuses and events of the device and
its applications with the recording. It uses no network.

  --app APP        an application: a bundled id (mms.ua), a path (./dist/index.js) or a package; can be repeated.
                   Default: the applications of the recording, if they are bundled
  --config FILE    uses the applications and options of a host's configuration
  --ignore FIELD   does not compare this field of events. Times are compared to the second
  --json           prints one JSON object on stdout (event "replayed")

Exit code: 0 if nothing differs; 1 if something differs: lines with "- " are recorded, lines with "+ " are new;
2 if the command or the file is invalid.

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
  async run(args, io) {
    const [file, ...more] = args.operands;
    if (file === undefined)
      throw new UsageError('missing FIXTURE: expected e.g. sip-push replay rain.recording');
    if (more.length > 0) throw new UsageError(`unexpected argument "${more[0]}": expected one FIXTURE`);
    const recording = await readRecording(file);
    if (recording.pushes.length + recording.skipped.length === 0) {
      throw new ConfigurationError(`${file} has no pushes: expected a recording of "sip-push record"`);
    }
    const [first] = recording.pushes;
    if (!first) {
      const reason = recording.skipped[0]?.why;
      throw new ConfigurationError(`no push of ${file} can be replayed: ${reason}`);
    }
    const apps = await applications(args, recording);
    await using host = await startTestHost({
      apps,
      trust: recording.trust,
      now: first.at,
    });
    const replaying = replayRecording(recording, host, { ignore: args.list('ignore') });
    const replayed = await Promise.race([replaying, untilAborted(io)]);
    if (!replayed) {
      io.err('ended before the replay was complete: nothing was compared');
      return EXIT.failed;
    }
    if (replayed.differences.length > 0 && !args.has('json'))
      for (const record of host.logs) logPrinter(io)(record);
    print(replayed, args.has('json'), io);
    return replayed.differences.length === 0 ? EXIT.ok : EXIT.failed;
  },
};

async function applications(args: Arguments, recording: Recording): Promise<TestApp[]> {
  const named = args.list('app');
  const config = args.text('config');
  if (config !== undefined && named.length > 0) {
    throw new UsageError('expected either --config or --app');
  }
  if (config !== undefined) {
    return (await loadHostSettings(config)).apps.map((app, index) => {
      if ('definition' in app) return app;
      throw new ConfigurationError(
        `${config}: "apps[${index}]" runs in a worker: expected "isolation": "none" for a replay`,
      );
    });
  }
  for (const id of named.length > 0 ? [] : recording.apps) {
    if (BUNDLED_APPLICATIONS.includes(id)) continue;
    throw new UsageError(
      `missing --app: ${id} is not a bundled application: expected e.g. --app ./dist/index.js`,
    );
  }
  const uses = named.length > 0 ? named : recording.apps;
  return await Promise.all(
    uses.map(async (use) => ({ definition: await findApplication(use, process.cwd()) })),
  );
}

function print({ pushes, skipped, differences }: Replayed, json: boolean, io: IoStreams): void {
  if (json) {
    io.out(JSON.stringify({ event: 'replayed', pushes, skipped, differences }));
    return;
  }
  for (const { app, from, why } of skipped) {
    io.err(
      printable(
        `not replayed: a push to ${app || 'an unknown application'} from ${from || 'an unknown sender'}: ${why}`,
      ),
    );
  }
  const uncompared = [...new Set(skipped.map(({ app }) => app))].join(', ');
  if (uncompared !== '') io.err(printable(`not compared: events of ${uncompared}`));
  for (const line of differences) io.out(printable(line));
  const what = pushes === 1 ? 'one push' : `${pushes} pushes`;
  io.err(
    differences.length === 0 ? `${what} replayed: no differences` : `${what} replayed: there are differences`,
  );
}
