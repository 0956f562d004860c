/** The `log` and `clock` services. */

import { inject, injectable } from '../../injection.js';
import type { LogLevel, LogSink } from '../../log.js';
import { printable } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import type { AppClock, AppLog } from '../contract/services.js';
import { CLOCK, LOG_SINK } from '../foundations.js';
import { APP_SCOPE, type AppScope } from './app-scope.js';

/** Characters of a log line, which is not a dump of a push. */
const MAX_MESSAGE = 4096;

@injectable()
export class LogService implements AppLog {
  constructor(
    @inject(APP_SCOPE) private readonly scope: AppScope,
    @inject(LOG_SINK) private readonly sink: LogSink,
  ) {}

  // Fields, not methods, so that an application can write: const { info } = log.
  readonly debug = (message: string) => this.write('debug', message);
  readonly info = (message: string) => this.write('info', message);
  readonly warn = (message: string) => this.write('warn', message);
  readonly error = (message: string) => this.write('error', message);

  private write(level: LogLevel, message: string): void {
    this.sink({
      level,
      app: this.scope.eventAppId,
      message: printable(String(message).slice(0, MAX_MESSAGE)),
    });
  }
}

/** The `clock` service. */
@injectable()
export class ClockService implements AppClock {
  constructor(@inject(CLOCK) private readonly clock: Clock) {}

  readonly now = () => new Date(this.clock.now());
}
