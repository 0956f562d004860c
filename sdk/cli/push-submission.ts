/** Submits a push to a running sender through its HTTP API. */

import { basename } from 'node:path';
import { platform } from '#platform';
import { formatMediaType } from '../../core/content/media-type.js';
import type { Receipt } from '../../core/sender/push-request.js';
import { SenderClient } from '../http-api/client.js';
import type { PushBody } from '../http-api/schemas.js';
import type { IoStreams } from './io-streams.js';
import type { PushArguments } from './push-arguments.js';

/** @param onReceipt called with each receipt when it arrives. */
export async function submitPush(
  { url, key }: { url: string; key: string },
  push: PushArguments,
  io: IoStreams,
  onReceipt: (receipt: Receipt) => void,
): Promise<Receipt[]> {
  const client = new SenderClient(url, key, io.signal);
  const { id } = await client.submit(await bodyOf(push, client), push.id);
  io.err(`accepted by ${url} as ${id}`);
  const receipts: Receipt[] = [];
  for await (const receipt of client.receipts(id)) {
    onReceipt(receipt);
    receipts.push(receipt);
  }
  return receipts;
}

async function bodyOf(
  { to, app, iari, mode, report, ttl, source, type }: PushArguments,
  client: SenderClient,
): Promise<PushBody> {
  const fields = { to, app, mode, report, iari, ttl };
  const mediaType = formatMediaType(type);
  if ('url' in source) return { ...fields, content: { type: mediaType, url: source.url } };
  const files: { type: string; name: string; content: string }[] = [];
  // Opened before the first upload, so that an unreadable file is reported at once.
  const opened = await Promise.all(
    source.files.map(async (path) => ({ name: basename(path), file: await platform.openFile(path) })),
  );
  for (const { name, file } of opened) {
    files.push({ type: mediaType, name, content: await client.addContent(file.open()) });
  }
  return { ...fields, files };
}
