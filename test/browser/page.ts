/**
 * Runs in a browser: a device with the four bundled applications, one that accepts pushes on command, and one for
 * files.
 */

import { createPushReceiver, type HostEvent, type PushHost, type PushHostOptions } from 'sip-push';
import dcd from 'sip-push/apps/dcd.ua';
import mms from 'sip-push/apps/mms.ua';
import dm from 'sip-push/apps/syncml.dm';
import wml from 'sip-push/apps/wml.ua';
import { definePushApp } from 'sip-push/sdk';

interface Slow {
  /** Ids of delivered pushes, including redeliveries. */
  delivered: string[];
  /** Texts in its storage, including those of earlier pages. */
  stored: string[];
  accepting: boolean;
}

const slow: Slow = { delivered: [], stored: [], accepting: true };

const slowApp = definePushApp({
  id: 'slow.ua',
  accepts: ['text/plain'],
  needs: ['storage'],
  delivery: 'durable',
  // A push that is never accepted ends at this deadline.
  limits: { seconds: 2 },
  async start({ storage }) {
    for await (const [key] of storage.entries()) slow.stored.push(key);
    return {
      async receive(push, { commit }) {
        slow.delivered.push(push.id);
        if (!slow.accepting) await new Promise(() => {});
        const text = new TextDecoder().decode(await push.content.bytes(1000));
        await commit([{ type: 'put', key: text, value: push.id }]);
        slow.stored.push(text);
      },
    };
  },
});

/** Reads files in chunks. */
const fileApp = definePushApp({
  id: 'file.ua',
  accepts: ['application/octet-stream'],
  delivery: 'durable',
  start: () => ({
    async receive({ content }) {
      for await (const chunk of content.open()) files.bytes += chunk.length;
    },
  }),
});
const files = { bytes: 0 };

const events: HostEvent[] = [];
const logs: string[] = [];
let host: PushHost | undefined;

/** Resolves when the registration has started. */
async function start(
  options: Pick<PushHostOptions, 'identity' | 'servers'> & Partial<PushHostOptions>,
  appOptions: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  host = await createPushReceiver({
    ...options,
    apps: [mms, wml, dm, dcd, slowApp, fileApp].map((definition) => ({
      definition,
      options: appOptions[definition.id],
    })),
    onEvent: (event) => events.push(event),
    onLog: ({ level, app, message }) => logs.push(`${level} ${app ?? ''} ${message}`),
  });
}

async function stop(): Promise<void> {
  await host?.stop('the test ended');
}

// Used in the expressions of the tests.
Object.assign(globalThis, { device: { start, stop, slow, files, events, logs } });
