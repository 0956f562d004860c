/** DCD content in words for the user. */

import type { Push, PushDescription } from 'sip-push/sdk';
import { namesOf } from './content-item.js';

const FORMS: Readonly<Record<string, string>> = {
  'application/vnd.oma.dcd': 'a DCD container',
  'application/vnd.oma.dcdc': 'a packed DCD container',
};

export async function describeContent(push: Push): Promise<PushDescription> {
  const { channel, contentId } = namesOf(push);
  const { type } = push.content.type;
  const { length } = await push.bytes();
  return {
    title: channel === undefined ? 'Content of a channel' : `Content of ${channel}`,
    text: `${length} bytes, ${FORMS[type] ?? type}; only an application for DCD can read it`,
    fields: {
      channel: channel ?? 'unknown: the push has no initiator URI',
      content: contentId ?? 'unknown: the push has no content id',
      from: push.from,
    },
  };
}
