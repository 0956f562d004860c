/** Log lines: the runtime's own, and those of applications. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogRecord {
  level: LogLevel;
  /** event-app-id of the application that it is from or about. */
  app?: string;
  message: string;
}

export type LogSink = (record: LogRecord) => void;

/** A sink that cannot fail its caller: what a host does with a line is no business of a push. */
export function safeLogSink(sink: LogSink | undefined): LogSink {
  if (!sink) return () => {};
  return (record) => {
    try {
      sink(record);
    } catch {
      // There is nowhere left to say it.
    }
  };
}
