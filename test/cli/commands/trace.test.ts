/** `sip-push trace`: a ladder of both protocols, a capture for tshark, and invalid files. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrace } from '../../../sdk/trace/read-trace.js';
import { asSip, findMalformed, readFields } from '../../support/captures/dissection.js';
import { dissectMsrp } from '../../support/captures/msrp-capture.js';
import { BOB, bob, Folder, type Line, lineOf, linesOf, psa, startNetworkCommand } from '../sip-push.js';

const APP =
  'export default { id: "weather.ua", accepts: ["text/plain"], delivery: "direct", order: "parallel", start: () => ({ async receive({ content }) { for await (const _ of content.open()); } }) };';
const PORT = /:(\d+);/;

describe('the trace of a host and a sender', () => {
  let folder: Folder;
  let sipPort: number;
  let messages: Line[];

  beforeAll(async () => {
    folder = await Folder.make();
    const network = await startNetworkCommand(folder, '--trace', 'core.trace');
    await using _ = network.running;
    sipPort = Number(PORT.exec(network.tcp)?.[1]);
    await folder.write('app.mjs', APP);
    await folder.write('bob.json', { ...bob(network.tcp), apps: ['./app.mjs'] });
    await folder.write('psa.json', psa(network.tcp));
    await folder.write('small.txt', 'rain');
    await folder.write('large.txt', 'rain, then sun. '.repeat(1000));
    const host = await folder.start('host', '--config', 'bob.json', '--json', '--trace', 'bob.trace');
    await using __ = host;
    await lineOf(host, 'registered');
    for (const [mode, file] of [
      ['pager', 'small.txt'],
      ['session', 'large.txt'],
    ] as const) {
      const { code, stderr } = await folder.run(
        ...['send', '--config', 'psa.json', '--to', BOB, '--app', 'weather.ua', '--type', 'text/plain'],
        ...['--mode', mode, '--trace', `${mode}.trace`, file],
      );
      // A slow transfer prints its progress on stderr.
      expect(code, stderr).toBe(0);
    }
    host.kill('SIGTERM');
    await host.ended();
    const shown = await folder.run('trace', 'bob.trace', '--json');
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    messages = linesOf(shown);
  });

  afterAll(() => folder.remove());

  /** The error about a file in the folder, without the path of the folder. */
  const problemOf = async (name: string) => {
    try {
      for await (const _ of readTrace(join(folder.path, name)));
      return undefined;
    } catch (error) {
      return (error as Error).message.replaceAll(join(folder.path, name), name);
    }
  };

  const of = (protocol: string) =>
    messages
      .filter((message) => message.protocol === protocol)
      .map(({ direction, line }) => `${direction} ${line}`);

  it('has the SIP messages in order', () => {
    const sip = of('SIP').map((line) => line.split(' ').slice(0, 2).join(' '));
    expect(sip.slice(0, 4)).toEqual(['out REGISTER', 'in 401', 'out REGISTER', 'in 200']);
    expect(sip).toEqual(expect.arrayContaining(['in MESSAGE', 'in INVITE', 'in ACK', 'in BYE']));
    const invite = messages.find(({ line }) => `${line}`.startsWith('INVITE'));
    expect(invite?.headers).toMatchObject({
      'Content-Type': 'application/sdp',
      '+g.oma.pusheventapp': 'weather.ua',
      'P-Asserted-Identity': '<sip:psa@domain.test>',
    });
  });

  it('has MSRP frames with the size and the first bytes of their bodies', async () => {
    const msrp = of('MSRP');
    expect(msrp[0]).toBe('out SEND');
    expect(msrp).toEqual(expect.arrayContaining(['in SEND', 'out 200 OK']));
    const bodies = messages.filter(({ protocol, direction }) => protocol === 'MSRP' && direction === 'in');
    const bytes = bodies.reduce((sum, { bodyBytes }) => sum + Number(bodyBytes), 0);
    expect(bytes).toBe((await stat(join(folder.path, 'large.txt'))).size);
    for (const { bytes: kept } of bodies) expect(kept).toBeLessThan(2000);
  });

  it('of a sender has its messages', async () => {
    const ways = new Set<string>();
    for await (const entry of readTrace(join(folder.path, 'session.trace'))) {
      if (!('event' in entry)) ways.add(`${entry.protocol} ${entry.direction}`);
    }
    expect(ways).toEqual(new Set(['SIP out', 'SIP in', 'MSRP in', 'MSRP out']));
  });

  it('of the network has the messages of both ends', async () => {
    const { stdout } = await folder.run('trace', 'core.trace', '--json');
    const ways = linesOf({ stdout })
      .filter(({ line }) => `${line}`.startsWith('MESSAGE'))
      .map(({ direction }) => direction);
    // The first request may have no credentials.
    expect(ways.slice(-2)).toEqual(['in', 'out']);
  });

  it('is shown as a ladder with one line per message', async () => {
    const { stdout, code } = await folder.run('trace', 'bob.trace');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(messages.length);
    expect(lines[0]).toMatch(
      /^ {5}0\.000 {2}→ SIP {2}TCP 127\.0\.0\.1:\d+ +REGISTER sip:domain\.test +1 REG/,
    );
    expect(stdout).toMatch(/← SIP {2}TCP .* MESSAGE sip:.* for weather\.ua, text\/plain 4 bytes, /);
    expect(stdout).toMatch(/← MSRP TCP .* SEND .* text\/plain \d+ bytes, Byte-Range: 1-/);
  });

  it('--pcap: tshark dissects SIP and MSRP without errors', async () => {
    const { code, stdout } = await folder.run('trace', 'bob.trace', '--pcap', 'bob.pcap');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    const file = join(folder.path, 'bob.pcap');
    expect((await stat(file)).mode & 0o077).toBe(0);
    const rows = await readFields(file, 'tcp.len > 0', ['frame.protocols', 'tcp.srcport', 'tcp.dstport'], []);
    const ports = { SIP: new Set<number>(), MSRP: new Set<number>() };
    for (const [, protocols = '', from, to] of rows) {
      const msrp = protocols.includes(':msrp');
      expect(msrp || protocols.includes(':sip')).toBe(true);
      for (const port of [from, to]) ports[msrp ? 'MSRP' : 'SIP'].add(Number(port));
    }
    expect(ports.SIP).toContain(sipPort);
    expect(ports.MSRP.has(sipPort)).toBe(false);
    const first = messages.find(({ protocol }) => protocol === 'MSRP');
    const { port } = (first?.remote ?? {}) as { port: number };
    expect(ports.MSRP).toContain(port);
    expect(await findMalformed(file, { sip: [sipPort], msrp: [port] }, 'tcp.len > 0')).toEqual([]);
    const frames = await dissectMsrp(file, port);
    expect(frames.filter(({ malformed }) => malformed)).toEqual([]);
    expect(frames.map(({ method }) => method)).toContain('SEND');
    // Nothing is out of order, missing, or with a wrong checksum.
    const odd = 'tcp.analysis.flags || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad"';
    const checked = ['ip.check_checksum:TRUE', 'tcp.check_checksum:TRUE'];
    expect(await readFields(file, odd, ['tcp.stream'], asSip({ sip: [sipPort] }), checked)).toEqual([]);
  });

  it('shows the lines of a truncated trace, and names the incomplete line', async () => {
    const text = await readFile(join(folder.path, 'bob.trace'), 'utf8');
    const end = text.indexOf('\n', text.indexOf('\n') + 1) + 1;
    await folder.write('cut.trace', text.slice(0, end + 40));
    const { code, stdout, stderr } = await folder.run('trace', 'cut.trace', '--json');
    expect(linesOf({ stdout })).toHaveLength(2);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'sip-push: cut.trace, line 3: the line is incomplete: the trace was truncated',
    });
    expect(await folder.run('trace', 'cut.trace', '--pcap', 'cut.pcap')).toMatchObject({ code: 2, stderr });
    expect(await readFields(join(folder.path, 'cut.pcap'), 'sip', [], [])).toHaveLength(2);
  });

  it('names an invalid line and the reason', async () => {
    const first = (await readFile(join(folder.path, 'bob.trace'), 'utf8')).split('\n', 1)[0] ?? '';
    const wrong = async (line: string) => {
      await folder.write('wrong.trace', `${first}\n${line}\n`);
      return await problemOf('wrong.trace');
    };
    expect(await wrong('hello')).toBe(
      'wrong.trace, line 2: invalid JSON: expected a trace, written by "sip-push host --trace FILE"',
    );
    expect(await wrong(first.replace(/"direction":"out"/, '"direction":"up"'))).toMatch(
      /^wrong\.trace, line 2: "direction": expected one of "in"\|"out"$/,
    );
    expect(await wrong('{"event":"registered"}')).toMatch(/^wrong\.trace, line 2: "time" is missing/);
  });

  it('is not overwritten by its capture', async () => {
    const before = await readFile(join(folder.path, 'bob.trace'));
    const { code, stderr } = await folder.run('trace', 'bob.trace', '--pcap', './bob.trace');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'sip-push: invalid --pcap "./bob.trace": expected a file other than the trace, e.g. ./bob.trace.pcap',
    });
    expect(await readFile(join(folder.path, 'bob.trace'))).toEqual(before);
  });

  it('rejects a file with an endless line', async () => {
    await folder.write('long.trace', Buffer.alloc(20 * 1024 * 1024, 0x7b));
    expect(await problemOf('long.trace')).toBe(
      'long.trace, line 1: invalid line of more than 16777216 bytes: expected a trace',
    );
  });

  it.each([
    [['one', 'two'], 'unexpected argument "two": expected one FILE'],
    [['none.trace'], 'none.trace does not exist'],
  ])('rejects %j', async (words, problem) => {
    const { code, stdout, stderr } = await folder.run('trace', ...words);
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: `sip-push: ${problem}` });
  });
});
