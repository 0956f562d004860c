/** The manifest of an application whose definition was checked when the bundle was made. */

import { canonicalEventAppId, canonicalIari } from '../../../core/app/contract/event-app-id.js';
import type { Manifest } from '../../../core/app/contract/manifest.js';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { DEFAULT_RECEIVE_SECONDS } from '../../../core/app/limits.js';
import { given } from '../../../core/defined.js';

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
