/** syncml.dm: takes a management server's request for a session (OMA DM, package #0), and has the session started. */

import { type DmNotification, decodeDmNotification, MalformedError } from 'sip-push/formats';
import { definePushApp, type Push, PushRefused, printable } from 'sip-push/sdk';
import { describeNotification } from './description.js';
import { DmServer } from './dm-server.js';
import { httpSession } from './http-session.js';
import { readOptions } from './options.js';
import { Sessions } from './sessions.js';

export type { DmAlert, DmSessionRequest, DmSessionResult, StartSession } from './session.js';

/** A notification has some fifty octets; vendors put their own behind them. */
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
      log.warn(
        'options.servers names no DM server: every alert is refused; expected [{ "id": "…", "password": "…" }]',
      );
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
          // Before the commit: whoever dies between the two tells it twice, but never not at all.
          emit('alert', { ...alert });
          await commit(operations);
        });
        // A repeat does not hurry a session that waits for its next attempt.
        if (isNew) sessions.resume(server);
        else log.info(`alert of session ${sessionId} by ${printable(serverId)} came before: dropped`);
      },
      async describe(push) {
        return describeNotification(await notificationOf(push));
      },
      stop: () => sessions.stop(),
    };
  },
});

/**
 * @throws PushRefused of kind `type`: the octets are not what their media type says, or of a version that may mean
 * anything by its fields.
 */
async function notificationOf(push: Push): Promise<DmNotification> {
  const octets = await push.content.bytes(MAX_SIZE);
  try {
    const notification = decodeDmNotification(octets);
    if (!notification.version.startsWith('1.')) {
      throw new PushRefused('type', `DM version ${notification.version}, expected 1.x`);
    }
    return notification;
  } catch (error) {
    if (error instanceof MalformedError) throw new PushRefused('type', error.message, { cause: error });
    throw error;
  }
}
