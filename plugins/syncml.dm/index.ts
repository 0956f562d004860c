/** syncml.dm: accepts a management server's request for a session (OMA DM, package #0), and starts the session. */

import { type DmNotification, decodeDmNotification, MalformedError } from 'sip-push/formats';
import { definePushApp, type Push, PushRefused, printable } from 'sip-push/sdk';
import { describeNotification } from './description.js';
import { DmServer } from './dm-server.js';
import { httpSession } from './http-session.js';
import { readOptions } from './options.js';
import { Sessions } from './sessions.js';

export type { DmAlert, DmSessionRequest, DmSessionResult, StartSession } from './session.js';

/** Octets. Real notifications have about fifty; vendors append their own. */
const MAX_SIZE = 16_384;

export default definePushApp({
  id: 'syncml.dm',
  accepts: ['application/vnd.syncml.notification', 'application/vnd.syncml.dm.notification'],
  needs: ['storage', 'log', 'emit', 'fetch'],
  delivery: 'durable',
  limits: { size: MAX_SIZE },
  async start({ storage, log, emit, fetch, signal, options }) {
    const { servers: configured, unverified, device = '', startSession } = readOptions(options);
    if (configured.length === 0) {
      log.warn('options.servers is empty, every alert is refused: expected [{ "id": "…", "password": "…" }]');
    }
    const servers = await DmServer.openAll(storage, configured);
    const starterFor = ({ url }: DmServer) =>
      startSession ?? (url === undefined ? undefined : httpSession(fetch, url, device));
    const sessions = new Sessions(servers, starterFor, log, signal);
    return {
      async receive(push, { commit }) {
        const notification = await notificationOf(push);
        const { serverId, sessionId } = notification;
        const server = servers.get(serverId);
        if (!server) {
          throw new PushRefused('forbidden', `DM server "${printable(serverId)}" is not configured`);
        }
        const isNew = await server.accept(notification, unverified, async (alert, operations) => {
          // Emitted before the commit: a crash between the two repeats the event and never loses it.
          emit('alert', { ...alert });
          await commit(operations);
        });
        // A repetition does not shorten the delay before the next attempt.
        if (isNew) sessions.resume(server);
        else log.info(`alert of session ${sessionId} by ${printable(serverId)} is a duplicate: ignored`);
      },
      async describe(push) {
        return describeNotification(await notificationOf(push));
      },
      stop: () => sessions.stop(),
    };
  },
});

/** @throws PushRefused of kind `type` if the notification is malformed, or of another major version. */
async function notificationOf(push: Push): Promise<DmNotification> {
  const octets = await push.content.bytes(MAX_SIZE);
  try {
    const notification = decodeDmNotification(octets);
    if (!notification.version.startsWith('1.')) {
      throw new PushRefused('type', `invalid DM version ${notification.version}: expected 1.x`);
    }
    return notification;
  } catch (error) {
    if (error instanceof MalformedError) throw new PushRefused('type', error.message, { cause: error });
    throw error;
  }
}
