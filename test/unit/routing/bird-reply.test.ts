import { describe, expect, test } from 'vitest';
import {
  parseBirdRoutes,
  parseProtocols,
  parseReply,
  parseState,
  refusalIn,
} from '../../../lib/routing/bird/reply.ts';
import { Random } from '../../support/random.ts';

// Answers as `birdc -v` of BIRD 2.0.12 prints them.

const status = `0001 BIRD 2.0.12 ready.
1000-BIRD 2.0.12
1011-Router ID is 192.0.2.1
     Hostname is vm
     Current server time is 2026-11-21 15:35:00.906
     Last reboot on 2026-11-21 15:34:55.659
     Last reconfiguration on 2026-11-21 15:34:55.659
0013 Daemon is up and running
`;

const protocols = `0001 BIRD 2.0.12 ready.
2002-Name       Proto      Table      State  Since         Info
1002-device1    Device     ---        up     2026-11-21 15:34:55  
     kernel4    Kernel     master4    up     2026-11-21 15:34:55  
     host_192_0_2_2 BGP        ---        up     2026-11-21 15:34:56  Established   
     host_192_0_2_3 BGP        ---        start  2026-11-21 15:37:43  Active        BGP Error: Hold timer expired
     peer_192_0_2_9 BGP        ---        down   2026-11-21 15:37:44  
0000 
`;

const routes = `0001 BIRD 2.0.12 ready.
1007-Table master4:
     10.50.2.0/26         unicast [host_192_0_2_2 15:34:56.637] * (100) [i]
     	via 192.0.2.2 on eth0
                          unicast [host_192_0_2_3 15:34:56.637] (100) [i]
     	via 192.0.2.3 on eth0
     10.50.1.0/26         blackhole [blocks4 15:34:55.659] * (200)
     
     Table master6:
     fd00:50::200/122     unicast [host6_2 15:34:56.595] * (100) [i]
     	via 2001:db8:5::2 on eth0
0000 
`;

test('the status tells version, router id and the start', () => {
  expect(parseState(parseReply(status))).toEqual({
    version: '2.0.12',
    routerId: '192.0.2.1',
    startedAt: '2026-11-21 15:34:55.659',
  });
});

test('protocols of BGP have a state, the time of it and the last error', () => {
  expect(parseProtocols(parseReply(protocols))).toEqual([
    { name: 'host_192_0_2_2', state: 'Established', since: '2026-11-21 15:34:56', lastError: undefined },
    {
      name: 'host_192_0_2_3',
      state: 'Active',
      since: '2026-11-21 15:37:43',
      lastError: 'BGP Error: Hold timer expired',
    },
    { name: 'peer_192_0_2_9', state: '', since: '2026-11-21 15:37:44', lastError: undefined },
  ]);
});

test('routes have the protocol that they are from, each of several', () => {
  expect(parseBirdRoutes(parseReply(routes))).toEqual([
    { dst: '10.50.2.0/26', protocol: 'host_192_0_2_2' },
    { dst: '10.50.2.0/26', protocol: 'host_192_0_2_3' },
    { dst: '10.50.1.0/26', protocol: 'blocks4' },
    { dst: 'fd00:50::200/122', protocol: 'host6_2' },
  ]);
});

describe('refusals', () => {
  test.each([
    [
      '8002 /tmp/b1.conf:24:10 syntax error, unexpected CF_SYM_UNDEFINED',
      '/tmp/b1.conf:24:10 syntax error, unexpected CF_SYM_UNDEFINED',
    ],
    ['9001 No such command', 'No such command'],
  ])('are found: %s', (line, because) => {
    expect(refusalIn(parseReply(`0001 BIRD 2.0.12 ready.\n${line}\n`))).toBe(because);
  });

  test('are none in an answer', () => {
    expect(refusalIn(parseReply(status))).toBeUndefined();
  });
});

test('whatever is printed is passed over where it is not understood', () => {
  const random = new Random();
  const whole = [status, protocols, routes].join('');
  for (let round = 0; round < 300; round++) {
    const cut = random.below(whole.length);
    const text = `${whole.slice(random.below(whole.length))}${whole.slice(0, cut)}\u0000${whole.slice(cut)}`;

    const lines = parseReply(text);

    for (const { name } of parseProtocols(lines)) expect(name).toMatch(/^\S+$/);
    for (const { protocol } of parseBirdRoutes(lines)) expect(protocol).toMatch(/^\w+$/);
    expect(typeof parseState(lines)).toBe('object');
  }
});
