/** DCD content in words, and what cannot be said of it. */

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
    text: `${size} bytes, ${FORMS[type] ?? type}; what is in it is for the application that reads DCD`,
    fields: {
      channel: channel === undefined ? 'not known: the push names no initiator' : printable(channel),
      content: contentId === undefined ? 'not known: the push does not name it' : printable(contentId),
      from: printable(push.from),
    },
  };
}
