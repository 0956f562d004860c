import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Via } from '../../../core/sip/values/via.js';

describe('Via', () => {
  it('reads every part (RFC 3261 20.42, RFC 3581)', () => {
    const via = Via.parse(
      'SIP/2.0/udp erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7;rport;received=1.2.3.4',
    );
    expect(via).toMatchObject({
      transport: 'UDP',
      host: 'erlang.bell-telephone.com',
      port: 5060,
      branch: 'z9hG4bK87asdks7',
    });
    expect(via?.parameters.get('rport')).toBe('');
    expect(via?.parameters.get('received')).toBe('1.2.3.4');
    expect(via?.sentBy).toBe('erlang.bell-telephone.com:5060');
  });

  it('allows white space where the grammar does', () => {
    const via = Via.parse(
      ' SIP / 2.0 / TCP \t first.example.com : 4000 ;ttl = 16 ;maddr=224.2.0.1 ; branch= z9hG4bKa7c6',
    );
    expect(`${via}`).toBe('SIP/2.0/TCP first.example.com:4000;ttl=16;maddr=224.2.0.1;branch=z9hG4bKa7c6');
  });

  it('accepts values beyond a token, which some peers send', () => {
    const via = Via.parse('SIP/2.0/TCP h;branch=z9hG4bKYWJj==;received=2001:db8::1');
    expect(via?.branch).toBe('z9hG4bKYWJj==');
    expect(via?.parameters.get('received')).toBe('2001:db8::1');
  });

  it('reads IPv6 with and without a port', () => {
    expect(Via.parse('SIP/2.0/UDP [2001:db8::9:1]:5062;branch=x')).toMatchObject({
      host: '[2001:db8::9:1]',
      port: 5062,
    });
    expect(Via.parse('SIP/2.0/UDP [2001:db8::9:1]')).toMatchObject({
      host: '[2001:db8::9:1]',
      port: undefined,
    });
  });

  it.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0 host',
    'SIP/2.0/UDP/x host',
    'SIP/2.0/UDP psa@domain.com',
    'SIP/2.0/UDP host:',
    'SIP/2.0/UDP host:99999',
    'SIP/2.0/UDP host other',
    'SIP/2.0/UDP [::1]x',
    'SIP/2.0/UDP [::1',
    'SIP/2.0/UDP host;;',
    'SIP/2.0/UDP host;',
    'SIP/2.0/UDP host;branch=a;branch=b',
    'SIP/2.0/U DP host',
  ])('refuses %j', (text) => {
    expect(Via.parse(text)).toBeUndefined();
  });

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('UDP', 'TCP', 'TLS', 'WS', 'WSS', 'SCTP'),
        fc.oneof(
          fc.domain(),
          fc.ipV4(),
          fc.ipV6().map((address) => `[${address}]`),
        ),
        fc.option(fc.integer({ min: 0, max: 65535 }), { nil: undefined }),
        fc.stringMatching(/^[A-Za-z0-9.~-]{1,20}$/),
        (transport, host, port, branch) => {
          const via = new Via(transport, host, port);
          via.parameters.set('branch', branch).set('rport');
          const read = Via.parse(`${via}`);
          expect(read).toMatchObject({ transport, host, port, branch });
          expect(`${read}`).toBe(`${via}`);
        },
      ),
    );
  });

  it('never throws, and stays linear on hostile text', () => {
    fc.assert(fc.property(fc.string(), (text) => void Via.parse(`SIP/2.0/UDP ${text}`)));
    // Quadratic time would exceed the deadline of the test.
    for (const unit of [' ', '/', ':', ';', '[', ' :', '; '])
      Via.parse(`SIP/2.0/UDP a${unit.repeat(300_000)}`);
  });
});
