/** syncml.dm: accepts a management server's request for a session (OMA DM, package #0), and starts the session. */

import { type DmNotification, decodeDmNotification } from 'sip-push/formats';
import { definePushApp, type Push, refuse } from 'sip-push/sdk';
import * as z from 'zod/mini';
import { describeNotification } from './description.js';
import { acceptAlert, readRecord, recordKey, recordOf, removeOthers } from './dm-server.js';
import { httpSession } from './http-session.js';
import { options, type ServerOptions } from './options.js';
import { runSession, type WaitingSession } from './sessions.js';

export type { DmAlert, DmSessionRequest, DmSessionResult, StartSession } from './session.js';

export default definePushApp({
  id: 'syncml.dm',
  accepts: ['application/vnd.syncml.notification', 'application/vnd.syncml.dm.notification'],
  // Octets. Real notifications have about fifty; vendors append their own.
  maxSize: 16_384,
  // A session does not delay alerts. An alarm's key is the id of its server, so there is one session for each at a time.
  order: 'parallel',
  // Seconds. Firmware is downloaded outside of the session.
  timeout: 900,
  needs: ['storage', 'log', 'clock', 'fetch', 'schedule'],
  options,
  events: {
    alert: z.object({
      sessionId: z.number(),
      serverId: z.string(),
      uiMode: z.string(),
      initiator: z.string(),
      version: z.string(),
      verified: z.boolean(),
    }),
  },
  async start({ storage, log, clock, fetch, signal, options }) {
    const { unverified, device = '', startSession } = options;
    if (options.servers.length === 0) {
      log.warn('options.servers is empty, every alert is refused: expected [{ "id": "…", "password": "…" }]');
    }
    const servers = new Map(options.servers.map((server) => [server.id, server]));
    await removeOthers(storage, servers);

    /** Undefined: alerts of the server are only emitted. */
    function starterFor({ url }: ServerOptions) {
      return startSession ?? (url === undefined ? undefined : httpSession(fetch, url, device));
    }

    return {
      async receive(push) {
        const notification = await notificationOf(push);
        const { sessionId, serverId, uiMode, initiator, version } = notification;
        const server = servers.get(serverId);
        if (!server) throw refuse('forbidden', `DM server "${serverId}" is not configured`);
        await push.commit(async (tx) => {
          const record = await readRecord(storage, server);
          const accepted = acceptAlert(record, notification, server, unverified);
          if (!accepted) {
            tx.afterCommit(() =>
              log.info(`alert of session ${sessionId} by ${serverId} is a duplicate: ignored`),
            );
            return;
          }
          const { verification, next } = accepted;
          const alert = {
            sessionId,
            serverId,
            uiMode,
            initiator,
            version,
            verified: verification !== 'none',
          };
          tx.put(recordKey(serverId), next);
          tx.emit('alert', alert);
          if (!starterFor(server)) return;
          const resynchronise = verification !== 'nonce' && verification !== 'none';
          const waiting: WaitingSession = { request: { ...alert, resynchronise }, failures: 0 };
          tx.setAlarm(serverId, clock.now(), waiting);
        });
      },
      async alarm(alarm) {
        const server = servers.get(alarm.key);
        const start = server && starterFor(server);
        if (!start) return;
        const nonce = await runSession(alarm, start, { clock, log, signal });
        // Not in a commit of the alarm, which fails when another alert has replaced it.
        if (nonce)
          await storage.transaction(async (tx) => tx.put(recordKey(server.id), recordOf(server, nonce)));
      },
      describe: async (push) => describeNotification(await notificationOf(push)),
    };
  },
});

/** @throws MalformedError, and PushRefused of kind `type` if it has another major version. */
async function notificationOf(push: Push): Promise<DmNotification> {
  const notification = decodeDmNotification(await push.bytes());
  if (notification.version.startsWith('1.')) return notification;
  throw refuse('type', `invalid DM version ${notification.version}: expected 1.x`);
}
