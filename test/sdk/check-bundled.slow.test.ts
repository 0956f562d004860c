/** The bundled applications pass the check. */

import { expect, it } from 'vitest';
import { Folder, linesOf } from '../cli/sip-push.js';
import { JOB_MS } from '../support/wait.js';

it.each(['dcd.ua', 'mms.ua', 'syncml.dm', 'wml.ua'])(
  'the bundled application %s has the full score',
  async (id) => {
    await using folder = await Folder.make();
    const result = await folder.runFor(JOB_MS, 'check', id, '--json');
    expect(linesOf(result)).toMatchObject([{ event: 'score', score: 100, apps: [id] }]);
    expect(result.code).toBe(0);
  },
);
