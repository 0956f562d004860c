/** DCD content in words for the user. */

import { type Push, type PushDescription, printable } from 'sip-push/sdk';
import { namesOf } from './content-item.js';

const FORMS: Readonly<Record<string, string>> = {
  'application/vnd.oma.dcd': 'a DCD container',
  'application/vnd.oma.dcdc': 'a packed DCD container',
};

export function describeContent(push: Push, size: number): PushDescription {
  const { channel, contentId } = namesOf(push);
  const { type } = push.content.type;
  return {
    title: channel === undefined ? 'Content of a channel' : `Content of ${printable(channel)}`,
    text: `${size} bytes, ${FORMS[type] ?? type}; only an application for DCD can read it`,
    fields: {
      channel: channel === undefined ? 'unknown: the push has no initiator URI' : printable(channel),
      content: contentId === undefined ? 'unknown: the push has no content id' : printable(contentId),
      from: printable(push.from),
    },
  };
}
