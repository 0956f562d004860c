/** Log records of the runtime and of applications. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogRecord {
  level: LogLevel;
  /** event-app-id of the application that the record is from or about. */
  app?: string;
  message: string;
  /** Id of the push that the record is about. */
  push?: string;
  /** What `receive` threw. */
  error?: unknown;
}

export type LogSink = (record: LogRecord) => void;

/** A sink that does not throw: an error of the host's listener must not affect a push. */
export function safeLogSink(sink: LogSink | undefined): LogSink {
  if (!sink) return () => {};
  return (record) => {
    try {
      sink(record);
    } catch {
      // There is no other place to report it.
    }
  };
}
