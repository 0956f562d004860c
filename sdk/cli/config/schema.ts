/** The configuration of a host and of a sender, as JSON. */

import { z } from 'zod';

const sipUri = z.string().regex(/^sips?:[^\s<>]+$/i, 'expected a SIP URI, e.g. sip:bob@domain.test');
const identityPattern = z
  .string()
  .regex(
    /^(sips?:[^\s<>@]+(@[^\s<>]+)?|tel:[^\s<>]+)$/i,
    'expected e.g. sip:psa@domain.test or sip:*@domain.test',
  );
const server = z
  .string()
  .regex(
    /^sips?:(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?(;transport=(udp|tcp|tls|ws|wss))?$/i,
    'expected e.g. sip:127.0.0.1:5060;transport=tcp (udp, tcp, tls, ws or wss)',
  );
const seconds = z.number().int().positive();
const text = z.string().min(1);

const tls = z.strictObject({
  /** PEM files, relative to the configuration. */
  ca: text.optional(),
  cert: text.optional(),
  key: text.optional(),
});

/** What both agents need to reach a SIP/IP core. */
const account = {
  identity: sipUri,
  server: z.union([server, z.array(server).min(1)]),
  username: text.optional(),
  password: z.string().optional(),
  tls: tls.optional(),
};

const app = z.union([
  text,
  z.strictObject({
    use: text,
    options: z.record(z.string(), z.unknown()).optional(),
    isolation: z.enum(['none', 'worker']).optional(),
  }),
]);

export const hostSchema = z.strictObject({
  ...account,
  instanceId: z
    .string()
    .regex(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'expected urn:uuid: and a UUID')
    .optional(),
  expires: seconds.optional(),
  trust: z.array(identityPattern).optional(),
  apps: z.array(app).min(1),
  data: text.optional(),
  store: z.enum(['level', 'memory']).optional(),
  senders: z.array(sipUri).optional(),
  fetch: z
    .strictObject({
      allow: z.array(text).optional(),
      maxSize: z.number().int().positive().optional(),
      timeout: seconds.optional(),
    })
    .optional(),
  msrp: z
    .strictObject({
      relay: text.optional(),
      maxSize: z.number().int().positive().optional(),
      sessions: z.number().int().positive().optional(),
    })
    .optional(),
  profile: z
    .strictObject({ vendor: text.optional(), model: text.optional(), url: text.optional() })
    .optional(),
});

export const senderSchema = z.strictObject({
  ...account,
  register: z.boolean().optional(),
  listen: server.optional(),
  assertIdentity: z.boolean().optional(),
  msrp: z
    .strictObject({
      host: text.optional(),
      ports: z
        .string()
        .regex(/^\d{1,5}-\d{1,5}$/, 'expected a range, e.g. 20000-20100')
        .optional(),
      relay: text.optional(),
      tls: tls.optional(),
    })
    .optional(),
  publish: z
    .strictObject({ host: text.optional(), port: z.number().int().min(0).max(65535).optional() })
    .optional(),
});

/** Keys that are checked already, for what later versions do with them; a host that sets one is told. */
export const WITHOUT_EFFECT = {
  host: ['senders', 'fetch', 'msrp', 'profile'],
  sender: ['msrp', 'publish'],
} as const;

export type HostFile = z.infer<typeof hostSchema>;
export type SenderFile = z.infer<typeof senderSchema>;
