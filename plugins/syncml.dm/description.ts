/** A notification in words. */

import type { DmNotification, DmUiMode } from 'sip-push/formats';
import { type PushDescription, printable } from 'sip-push/sdk';

const UI_MODES: Readonly<Record<DmUiMode, string>> = {
  'not-specified': 'as the device likes',
  background: 'in the background',
  informative: 'telling the user',
  'user-interaction': 'asking the user first',
};

export function describeNotification(notification: DmNotification): PushDescription {
  const { serverId, sessionId, uiMode, initiator, version, digest } = notification;
  return {
    title: 'A management server asks for a session',
    text: `${printable(serverId)}, ${UI_MODES[uiMode]}`,
    fields: {
      server: printable(serverId),
      session: String(sessionId),
      initiator: initiator === 'client' ? "the device's user" : 'the server',
      version: `DM ${version}`,
      digest: digest.every((octet) => octet === 0) ? 'none' : 'given',
    },
  };
}
