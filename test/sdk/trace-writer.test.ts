/** A trace whose file cannot be written. */

import { expect, it } from 'vitest';
import { TraceWriter } from '../../sdk/trace/trace-writer.js';
import { until } from '../support/wait.js';

it('stops the trace and reports it once if the disk is full', async () => {
  const problems: string[] = [];
  const trace = await TraceWriter.open('/dev/full', {
    events: true,
    onProblem: (problem) => problems.push(problem),
  });
  trace.event({ event: 'connected' });
  await until(() =>
    expect(problems).toEqual([expect.stringMatching(/^the trace \/dev\/full ends here: ENOSPC/)]),
  );
  trace.event({ event: 'connected' });
  await trace.close();
  trace.event({ event: 'stopped' });
  expect(problems).toHaveLength(1);
});
