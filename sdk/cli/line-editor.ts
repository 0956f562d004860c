/** Line editing at a terminal. */

import { createInterface, type Interface } from 'node:readline';
import { ERASE, type IoStreams } from './io-streams.js';

/** A terminal whose output does not disturb the line that is being edited. */
export interface LineEditor {
  /** The streams that print above the edited line. */
  readonly io: IoStreams;
  /** Starts reading lines: at a terminal with line editing and a history, and `SIGINT` for Ctrl-C. */
  open(): Interface;
}

export function lineEditor(io: IoStreams): LineEditor {
  let editing: Interface | undefined;
  const above = (print: (line: string) => void) => (line: string) => {
    if (editing) process.stderr.write(ERASE);
    print(line);
    editing?.prompt(true);
  };
  return {
    io: {
      get input() {
        return io.input;
      },
      out: above(io.out),
      err: above(io.err),
      status: above(io.status),
      drained: () => io.drained(),
      terminal: io.terminal,
      signal: io.signal,
    },
    open() {
      const { input } = io;
      if (input.isTTY !== true) return createInterface({ input });
      // stdout can be a file.
      const lines = createInterface({ input, output: process.stderr, terminal: true, prompt: '> ' });
      editing = lines;
      lines
        .on('line', () => editing?.prompt())
        .on('close', () => {
          editing = undefined;
        });
      lines.prompt();
      return lines;
    },
  };
}
