/** The contract's types: `needs` determines the type of the context of `start`. */

import { describe, expect, expectTypeOf, it } from 'vitest';
import type { AppClock, AppLog, AppStorage } from '../../../core/app/contract/services.js';
import type { Emit } from '../../../core/app/contract/transaction.js';
import { PushRefused as CorePushRefused } from '../../../core/errors.js';
import { definePushApp, type PushAppDefinition, refuse } from '../../../sdk/index.js';

describe('definePushApp', () => {
  it('passes to start the services in needs', () => {
    definePushApp({
      id: 'mms.ua',
      accepts: ['application/vnd.wap.mms-message'],
      needs: ['storage', 'log'],
      maxSize: 300_000,
      start({ storage, log, emit, signal, options, ...rest }) {
        expectTypeOf(storage).toEqualTypeOf<AppStorage<Record<never, never>>>();
        expectTypeOf(log).toEqualTypeOf<AppLog>();
        expectTypeOf(emit).toEqualTypeOf<Emit<Record<never, never>>>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        expectTypeOf(options).toBeUnknown();
        expectTypeOf(rest).toEqualTypeOf<Record<never, never>>();
        return {
          consider(offer) {
            if (offer.type === 'image/png') throw refuse('declined', 'not now');
          },
          async receive(push) {
            expectTypeOf(push.id).toBeString();
            await push.commit((tx) => tx.put(push.id, { at: push.receivedAt.toISOString() }));
          },
          describe: (push) => ({ title: push.from }),
          stop() {},
        };
      },
    });
  });

  it('passes nothing else to start', () => {
    definePushApp({
      id: 'a.ua',
      accepts: ['text/plain'],
      needs: ['clock'],
      start(services) {
        expectTypeOf(services.clock).toEqualTypeOf<AppClock>();
        expectTypeOf(services).not.toHaveProperty('storage');
        expectTypeOf(services).not.toHaveProperty('log');
        return { receive() {} };
      },
    });
    definePushApp({
      id: 'b.ua',
      accepts: ['text/plain'],
      start(services) {
        expectTypeOf(services).not.toHaveProperty('storage');
        expectTypeOf(services.emit).toEqualTypeOf<Emit<Record<never, never>>>();
        return { receive() {} };
      },
    });
  });

  it('accepts only known names of services', () => {
    definePushApp({
      id: 'a.ua',
      accepts: ['text/plain'],
      // @ts-expect-error: no such service
      needs: ['nothing'],
      start: () => ({ receive() {} }),
    });
  });

  it('returns the definition that a host loads', () => {
    const definition = {
      id: 'a.ua',
      accepts: ['text/plain'],
      start: () => ({ receive() {} }),
    };
    const app = definePushApp(definition);
    expectTypeOf(app).toExtend<PushAppDefinition>();
    expectTypeOf(
      definePushApp({ ...definition, needs: ['log'], start: () => ({ receive() {} }) }),
    ).toExtend<PushAppDefinition>();
    expect(app).toBe(definition);
    expect(refuse('busy', 'x')).toBeInstanceOf(CorePushRefused);
  });
});
