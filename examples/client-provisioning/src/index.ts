/** otaprov.ua: OMA Client Provisioning 1.1, the settings of a device as its operator sends them. */

import { definePushApp, type ReceivedPush, refuse, type Transaction } from 'sip-push/sdk';
import * as z from 'zod/mini';
import { type Authentication, isAuthentic, needsPin } from './authentication.js';
import { MAX_SIZE, MEDIA_TYPES, type Message, messageOf } from './message.js';
import { MAX_ATTEMPTS, MAX_PENDING, pendingDocument, pendingFrom, storedForm, WAIT_MS } from './pending.js';
import type { Settings } from './settings.js';

const options = z
  .strictObject({
    imsi: z.optional(
      z
        .string()
        .check(
          z.regex(/^\d{6,15}$/),
          z.describe('IMSI of the subscriber, the secret of NETWPIN and USERNETWPIN'),
        ),
    ),
    unsigned: z._default(
      z.boolean().check(z.describe('whether documents without a MAC are accepted')),
      false,
    ),
  })
  // "sip-push check" and "sip-push dev" use the first example.
  .check(z.meta({ examples: [{ imsi: '262011234567890', unsigned: true }] }));

const events = {
  provisioned: z.object({
    from: z.string(),
    accessPoints: z.array(z.string()),
    proxies: z.array(z.string()),
    bookmarks: z.array(z.object({ uri: z.string(), name: z.optional(z.string()) })),
    accounts: z.array(z.object({ application: z.string(), address: z.optional(z.string()) })),
  }),
  'pin-required': z.object({ request: z.string(), from: z.string() }),
};

const queries = {
  bookmarks: true,
  accounts: true,
  pending: true,
  confirm: z.object({ request: z.string(), pin: z.string().check(z.regex(/^\d{1,16}$/)) }),
} as const;

export default definePushApp({
  id: 'otaprov.ua',
  accepts: MEDIA_TYPES,
  maxSize: MAX_SIZE,
  needs: ['storage', 'schedule', 'log', 'connections.manager'],
  options,
  events,
  queries,
  start({ storage, log, options: { imsi, unsigned }, 'connections.manager': connections }) {
    /** The connection manager keeps what it has already: it can receive the same settings again after a crash. */
    async function apply(tx: Transaction<typeof events>, from: string, settings: Settings): Promise<void> {
      const { accessPoints, proxies, bookmarks, accounts } = settings;
      await connections.save({ accessPoints, proxies });
      for (const bookmark of bookmarks) tx.put(`bookmark/${bookmark.uri}`, bookmark);
      for (const account of accounts)
        tx.put(`account/${account.application}/${account.provider ?? ''}`, account);
      tx.emit('provisioned', {
        from,
        accessPoints: accessPoints.map(({ id }) => id),
        proxies: proxies.map(({ id }) => id),
        bookmarks: bookmarks.map(({ uri, name }) => ({ uri, name })),
        accounts: accounts.map(({ application, addresses }) => ({
          application,
          address: addresses[0]?.address,
        })),
      });
    }

    /** @throws a refusal if the document is not authentic. A document that needs a PIN waits for it instead. */
    async function authenticate({ octets, authentication }: Message): Promise<void> {
      if (!authentication) {
        if (unsigned) return;
        throw refuse('forbidden', 'the document has no MAC: expected SEC and MAC in its media type');
      }
      if (!(await isAuthentic(octets, authentication, { imsi }))) {
        throw refuse('forbidden', 'the MAC does not match the document and the IMSI');
      }
    }

    /** Keeps a document until the user has entered its PIN. */
    async function wait(push: ReceivedPush<typeof events>, message: Message, authentication: Authentication) {
      if ((await valuesOf('pending/')).length >= MAX_PENDING) {
        throw refuse('declined', `${MAX_PENDING} documents wait for their PINs`);
      }
      const key = `pending/${push.id}`;
      await push.commit((tx) => {
        tx.put(key, storedForm(pendingDocument(push.from, message, authentication)));
        tx.setAlarm(key, push.receivedAt.getTime() + WAIT_MS);
        tx.emit('pin-required', { request: push.id, from: push.from });
      });
    }

    async function valuesOf(prefix: string): Promise<unknown[]> {
      const values: unknown[] = [];
      for await (const [, value] of storage.entries({ prefix })) values.push(value);
      return values;
    }

    /** Applies a document if the PIN is right, and discards it after the last wrong one. */
    function confirm(request: string, pin: string) {
      const key = `pending/${request}`;
      return storage.transaction(async (tx) => {
        const pending = pendingFrom(await storage.get(key));
        if (!pending) throw new Error(`unknown request "${request}": expected one of the query "pending"`);
        const { document, from, settings } = pending;
        const accepted = await isAuthentic(document, pending, { imsi, pin });
        const attempts = pending.attempts + 1;
        const attemptsLeft = accepted ? 0 : MAX_ATTEMPTS - attempts;
        if (attemptsLeft > 0) tx.put(key, storedForm({ ...pending, attempts }));
        else {
          tx.delete(key);
          tx.cancelAlarm(key);
        }
        if (accepted) await apply(tx, from, settings);
        return { accepted, attemptsLeft };
      });
    }

    return {
      async receive(push) {
        const message = await messageOf(push);
        const { authentication, settings } = message;
        if (authentication && needsPin(authentication.method)) return wait(push, message, authentication);
        await authenticate(message);
        await push.commit((tx) => apply(tx, push.from, settings));
      },

      async alarm({ key, commit }) {
        await commit((tx) => tx.delete(key));
        log.info(`${key} is discarded: the PIN was not entered within a day`);
      },

      async describe(push) {
        const { settings } = await messageOf(push);
        const fields = Object.entries(settings).map(([name, list]) => [name, String(list.length)]);
        return { title: 'Settings', text: `from ${push.from}`, fields: Object.fromEntries(fields) };
      },

      queries: {
        bookmarks: () => valuesOf('bookmark/'),
        accounts: () => valuesOf('account/'),
        async pending() {
          const requests: { request: string; from: string }[] = [];
          for await (const [key, value] of storage.entries({ prefix: 'pending/' })) {
            requests.push({ request: key.slice('pending/'.length), from: pendingFrom(value)?.from ?? '' });
          }
          return requests;
        },
        confirm: ({ request, pin }) => confirm(request, pin),
      },
    };
  },
});
