/** All surfaces: each reader of bytes from the network, from applications and from operators. */

import { binarySurfaces } from './binary-surfaces.js';
import { documentReaders } from './document-surfaces.js';
import { entitySurfaces } from './entity-surfaces.js';
import { papSurfaces } from './pap-surfaces.js';
import { sessionSurfaces } from './session-surfaces.js';
import { settingsSurfaces } from './settings-surfaces.js';
import { sipSurfaces } from './sip-surfaces.js';
import type { Surface } from './surface.js';

export const surfaces: readonly Surface[] = [
  ...[...sipSurfaces, ...sessionSurfaces, ...documentReaders, ...binarySurfaces, ...entitySurfaces],
  ...settingsSurfaces,
  ...papSurfaces,
];
