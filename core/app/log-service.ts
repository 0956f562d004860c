/** The `log` service. */

import { inject, injectable } from './injection.js';
import type { LogLevel, LogSink } from './log.js';
import type { AppLog } from './services.js';
import { APP_SCOPE, type AppScope, LOG_SINK } from './tokens.js';

/** Characters: a line, not a dump of a push. */
const MAX_MESSAGE = 4096;

@injectable()
export class LogService implements AppLog {
  constructor(
    @inject(APP_SCOPE) private readonly scope: AppScope,
    @inject(LOG_SINK) private readonly sink: LogSink,
  ) {}

  // Fields, so that an application may take them apart: const { info } = log.
  readonly debug = (message: string) => this.write('debug', message);
  readonly info = (message: string) => this.write('info', message);
  readonly warn = (message: string) => this.write('warn', message);
  readonly error = (message: string) => this.write('error', message);

  private write(level: LogLevel, message: string): void {
    this.sink({ level, app: this.scope.eventAppId, message: String(message).slice(0, MAX_MESSAGE) });
  }
}
