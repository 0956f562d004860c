/** Runs the examples as in examples/README.md. */

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Folder, lineOf, linesOf, startNetworkCommand } from '../cli/sip-push.js';
import { runProcess, startProcess } from '../support/programs/process.js';

const example = (path: string) => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));

it('a device and a sender in separate programs: the push is accepted', async () => {
  await using folder = await Folder.make();
  const core = await startNetworkCommand(folder);
  await using _core = core.running;
  await using device = await startProcess(process.execPath, [example('embed/device.mjs'), core.tcp]);
  expect(await lineOf(device, 'registered')).toMatchObject({ apps: ['wml.ua'] });
  const sender = await runProcess(process.execPath, [example('embed/sender.mjs'), core.tcp]);
  expect(sender.stdout, sender.stderr).toMatch(/^delivered \(OK\) in pager mode after \d+ ms$/);
  expect(sender.code).toBe(0);
  const event = await lineOf(device, 'app');
  expect(event).toMatchObject({ app: 'wml.ua', kind: 'service-indication', text: 'It works' });
  expect(await lineOf(device, 'push')).toMatchObject({ outcome: 'accepted', mode: 'pager' });
  device.kill('SIGINT');
  expect((await device.exited).code).toBe(0);
  expect(linesOf(device).at(-1)).toMatchObject({ event: 'stopped', reason: 'SIGINT' });
});
