/** Streams of octets in chunks of any size. */

/** A stream of `octets` in chunks of `size`; calls `onCancel` when it is cancelled. */
export function streamOf(
  octets: Uint8Array,
  size = octets.length,
  onCancel: () => void = () => {},
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at < octets.length) controller.enqueue(octets.slice(at, at + size));
      else controller.close();
      at += size;
    },
    cancel: onCancel,
  });
}

export async function octetsOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
