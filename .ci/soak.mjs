/** `npm run soak`: runs the soak of test/soak. `--help` describes it. */

import { runTestProgram } from './test-program.mjs';

await runTestProgram('soak');
