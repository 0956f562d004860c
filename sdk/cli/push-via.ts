/** Submits a push to a running sender through its HTTP API. */

import { basename } from 'node:path';
import { platform } from '#platform';
import { formatMediaType } from '../../core/content/media-type.js';
import type { Receipt } from '../../core/sender/push-request.js';
import { SenderClient } from '../http-api/client.js';
import type { PushBody } from '../http-api/schemas.js';
import type { Io } from './io.js';
import type { Order } from './push-order.js';

/** @param onReceipt called with each receipt as it arrives. */
export async function pushVia(
  { url, key }: { url: string; key: string },
  order: Order,
  io: Io,
  onReceipt: (receipt: Receipt) => void,
): Promise<Receipt[]> {
  const client = new SenderClient(url, key, io.signal);
  const { id } = await client.submit(await bodyOf(order, client), order.id);
  io.err(`accepted by ${url} as ${id}`);
  const receipts: Receipt[] = [];
  for await (const receipt of client.receipts(id)) {
    onReceipt(receipt);
    receipts.push(receipt);
  }
  return receipts;
}

async function bodyOf(
  { to, app, iari, mode, report, ttl, source, type }: Order,
  client: SenderClient,
): Promise<PushBody> {
  const push = { to, app, mode, report, iari, ttl };
  const written = formatMediaType(type);
  if ('url' in source) return { ...push, content: { type: written, url: source.url } };
  const files: { type: string; name: string; content: string }[] = [];
  for (const path of source.files) {
    const file = await platform.openFile(path);
    files.push({ type: written, name: basename(path), content: await client.addContent(file.open()) });
  }
  return { ...push, files };
}
