/** The file of a trace: continued by the next run, and bounded in size. */

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { ConfigurationError } from '../../core/errors.js';
import { reasonOf } from '../../core/text.js';

/**
 * Bytes of a trace, about 100,000 messages. Then it is renamed to FILE.1, in place of an earlier one, and a new one
 * begins.
 */
const MAX_BYTES = 128 * 1024 * 1024;

/** Bytes that can wait for a slow disk. */
const MAX_WAITING = 64 * 1024 * 1024;

/** The first characters of each line. */
const LINE_START = '{"time":"';
const LF = 0x0a;
/** Bytes that are read at once to find the end of the last complete line. */
const STEP = 64 * 1024;

export interface TraceFileOptions {
  /** Begins a new file, and does not limit its size. */
  whole?: boolean;
  maxBytes?: number;
  /** Bytes that can wait for the disk. */
  maxWaiting?: number;
  /** Called when lines are lost. */
  onProblem(problem: string): void;
}

export class TraceFile {
  readonly #maxBytes: number;
  readonly #maxWaiting: number;
  readonly #onProblem: (problem: string) => void;
  #stream: WriteStream;
  #bytes: number;
  /** The file is being renamed. */
  #turning: Promise<void> | undefined;
  /** Lines that wait for the new file. */
  #waiting: string[] = [];
  #waitingBytes = 0;
  #ended = false;

  private constructor(
    private readonly file: string,
    stream: WriteStream,
    size: number | undefined,
    { whole = false, maxBytes = MAX_BYTES, maxWaiting = MAX_WAITING, onProblem }: TraceFileOptions,
  ) {
    this.#onProblem = onProblem;
    this.#maxBytes = whole || size === undefined ? Number.POSITIVE_INFINITY : maxBytes;
    this.#maxWaiting = maxWaiting;
    this.#bytes = size ?? 0;
    this.#stream = stream;
    this.#observe(stream);
  }

  /** @throws ConfigurationError if the file cannot be written, or is not a trace. */
  static async open(file: string, options: TraceFileOptions): Promise<TraceFile> {
    try {
      const size = options.whole ? undefined : await sizeToContinue(file, options.onProblem);
      return new TraceFile(file, await opened(file, options.whole ? 'w' : 'a'), size, options);
    } catch (error) {
      if (error instanceof ConfigurationError) throw error;
      throw new ConfigurationError(`cannot write ${file}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** False if too much waits for the disk, or the trace has ended. */
  get hasRoom(): boolean {
    return this.#waitingBytes + this.#stream.writableLength <= this.#maxWaiting;
  }

  /** False after an error: the disk is full. */
  get writable(): boolean {
    return !this.#ended && (this.#turning !== undefined || this.#stream.writable);
  }

  write(line: string): void {
    if (this.#turning) {
      this.#waiting.push(line);
      this.#waitingBytes += Buffer.byteLength(line);
      return;
    }
    this.#bytes += Buffer.byteLength(line);
    this.#stream.write(line);
    if (this.#bytes >= this.#maxBytes) this.#turning = this.#turn();
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    while (this.#turning) await this.#turning;
    this.#ended = true;
    await ended(this.#stream);
  }

  async #turn(): Promise<void> {
    try {
      await ended(this.#stream);
      await rename(this.file, `${this.file}.1`);
      this.#stream = await opened(this.file, 'w');
      this.#observe(this.#stream);
    } catch (error) {
      this.#ended = true;
      this.#onProblem(`the trace ${this.file} ends here: ${reasonOf(error)}`);
    }
    this.#bytes = 0;
    this.#turning = undefined;
    const lines = this.#waiting.splice(0);
    this.#waitingBytes = 0;
    for (const line of lines) if (this.writable) this.write(line);
  }

  #observe(stream: WriteStream): void {
    // A full disk ends the trace, not the host.
    stream.on('error', ({ message }) => this.#onProblem(`the trace ${this.file} ends here: ${message}`));
  }
}

/** Pushes and identities are private. */
async function opened(file: string, flags: 'a' | 'w'): Promise<WriteStream> {
  const stream = createWriteStream(file, { flags, mode: 0o600 });
  await once(stream, 'open');
  return stream;
}

/** Resolves also after an error, which the stream reports. */
function ended(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => stream.end(() => resolve()));
}

/**
 * The size of a trace without its last line, if that line is incomplete because the process was killed. Undefined if
 * the file has no size, like a pipe.
 * @throws ConfigurationError if it is not a trace: its content stays.
 */
async function sizeToContinue(
  file: string,
  onProblem: TraceFileOptions['onProblem'],
): Promise<number | undefined> {
  const handle = await open(file, 'r+').catch((error: unknown) => {
    if (Object(error).code === 'ENOENT') return undefined;
    throw error;
  });
  if (!handle) return 0;
  try {
    const found = await handle.stat();
    if (!found.isFile()) return undefined;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LINE_START.length), 0, LINE_START.length, 0);
    // The file can be shorter than that, because the process was killed or the disk was full.
    if (!LINE_START.startsWith(buffer.toString('latin1', 0, bytesRead))) {
      throw new ConfigurationError(`cannot continue ${file}: expected a trace, or the name of a new file`);
    }
    const size = await endOfLines(handle, found.size);
    if (size < found.size) await handle.truncate(size);
    if (size === 0 && found.size > 0) {
      onProblem(`${file} ended within its first line: a new trace begins`);
    }
    return size;
  } finally {
    await handle.close();
  }
}

/** Offset behind the last line feed. */
async function endOfLines(handle: FileHandle, size: number): Promise<number> {
  const part = Buffer.alloc(STEP);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - STEP);
    await handle.read(part, 0, end - start, start);
    const at = part.subarray(0, end - start).lastIndexOf(LF);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}
