/** What a User Agent Profile says of a terminal (OMA-TS-UAProf; TS 5.2-02). */

import { canonicalEventAppId } from '../app/event-app-id.js';
import { readProfile } from '../content/user-agent-profile/read-profile.js';
import type { ProfileFacts } from './terminals/terminal.js';

/** @throws MalformedError */
export function profileFacts(document: Uint8Array): ProfileFacts {
  const { applications, mediaTypes, maxSize } = readProfile(document);
  return {
    // `*`: whatever it has.
    ...(applications === undefined || applications.includes('*')
      ? {}
      : { apps: applications.map(canonicalEventAppId) }),
    ...(mediaTypes === undefined ? {} : { types: mediaTypes }),
    ...(maxSize === undefined ? {} : { maxSize }),
  };
}
