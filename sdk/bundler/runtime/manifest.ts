/** The manifest of an application whose definition was checked when the bundle was made. */

import { canonicalIari } from '../../../core/app/communication-service.js';
import type { PushAppDefinition } from '../../../core/app/contract.js';
import { canonicalEventAppId } from '../../../core/app/event-app-id.js';
import { DEFAULT_RECEIVE_SECONDS } from '../../../core/app/limits.js';
import type { Manifest } from '../../../core/app/manifest.js';
import { given } from '../../../core/given.js';

export function readManifest(definition: PushAppDefinition): Manifest {
  const { accepts, needs = [], provides = [], options, delivery = 'direct', limits, iari } = definition;
  const eventAppId = canonicalEventAppId(definition.id);
  return {
    eventAppId,
    accepts,
    needs: [...new Set<string>(needs)],
    provides,
    delivery,
    receiveSeconds: limits?.seconds ?? DEFAULT_RECEIVE_SECONDS,
    label: `${eventAppId} (${accepts})`,
    ...given({ options, size: limits?.size, iari: iari === undefined ? undefined : canonicalIari(iari) }),
  };
}
