/** Describes a notification for the user. */

import type { DmNotification, DmUiMode } from 'sip-push/formats';
import type { PushDescription } from 'sip-push/sdk';

const UI_MODES: Readonly<Record<DmUiMode, string>> = {
  'not-specified': 'no user interaction specified',
  background: 'in the background',
  informative: 'with a message to the user',
  'user-interaction': 'with the consent of the user',
};

export function describeNotification(notification: DmNotification): PushDescription {
  const { serverId, sessionId, uiMode, initiator, version, digest } = notification;
  return {
    title: 'A management server requests a session',
    text: `${serverId}, ${UI_MODES[uiMode]}`,
    fields: {
      server: serverId,
      session: String(sessionId),
      initiator: initiator === 'client' ? "the device's user" : 'the server',
      version: `DM ${version}`,
      digest: digest.every((octet) => octet === 0) ? 'none' : 'present',
    },
  };
}
