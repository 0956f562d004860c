/** Runs in a browser: helpers for the expressions of the platform tests. */

import { platform } from '#platform';
import '#platform/complete';

// Used in the expressions of the tests.
Object.assign(globalThis, { page: { platform, text, stream, octets, streamed, collect, errorOf } });

function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function stream(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new Blob(chunks.map((chunk) => Uint8Array.from(chunk))).stream();
}

/** A Response reports "failed to fetch" for every error, so this reads the stream itself. */
async function text(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: BlobPart[] = [];
  for await (const chunk of stream) chunks.push(Uint8Array.from(chunk));
  return await new Blob(chunks).text();
}

/** An endless stream, and how much of it was read. */
function streamed(chunk: Uint8Array) {
  const seen = { pulled: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      seen.pulled += 1;
      controller.enqueue(chunk);
    },
    cancel() {
      seen.cancelled = true;
    },
  });
  return { seen, stream };
}

/** The text that a channel receives until it closes. */
function collect(channel: Awaited<ReturnType<typeof platform.connect>>) {
  const got = { messages: [] as string[], sizes: [] as number[], closed: false, error: '', drains: 0 };
  channel.ondata = (bytes) => {
    got.messages.push(new TextDecoder().decode(bytes));
    got.sizes.push(bytes.length);
  };
  channel.ondrain = () => {
    got.drains += 1;
  };
  channel.onclose = (error) => {
    got.closed = true;
    got.error = error?.message ?? '';
  };
  return got;
}

async function errorOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}
