import { describe, expect, test } from 'vitest';
import { type Admission, admitFlows } from '../../../lib/doctor/firewall/admit-flows.ts';
import type { Flow } from '../../../lib/doctor/firewall/firewall.ts';
import { parseAdmitted } from '../../../lib/doctor/firewall/parse-admitted.ts';
import { admission, answers, begunElsewhere, listing, out } from './admitted-listing.ts';
import { cidr, cni0, link, port } from './fixture.ts';

describe('what the plugin firewall marks', () => {
  const shareOf = (flow: Flow, changes: Partial<Admission> = {}) =>
    admitFlows([flow], { ...admission('10.5.1.2'), ...changes })[0]?.admitted;

  test('is read from both sets of its table, and from no other', () => {
    const text = listing([], ['10.5.1.2', 'fd00:5::2']);

    expect(parseAdmitted(text).map(({ link: at, owner }) => `${at} ${owner}`)).toEqual([
      'cni0 net/c0/eth0',
      'cni0 net/c1/eth0',
    ]);
    expect(parseAdmitted(text.replaceAll('fairlead_firewall', 'other'))).toEqual([]);
  });

  test('is all of what the one container of a bridge begins, and the answers to it', () => {
    expect([out, answers].map((flow) => shareOf(flow))).toEqual(['all', 'all']);
  });

  test('is a part where a second container has not the plugin', () => {
    expect(shareOf(out, { links: [cni0, port, { ...port, name: 'veth2' }] })).toBe('some');
  });

  test('is nothing where no container of the family has it, and by another bridge', () => {
    expect(shareOf({ ...out, as: 6, source: cidr('fd00:5::/64') })).toBe('none');
    const links = [link('br9', { kind: 'bridge' }), { ...port, master: 'br9' }];
    expect(shareOf({ ...out, from: 'br9' }, { links })).toBe('none');
  });

  test('is nothing of what others begin, and no frame', () => {
    expect(shareOf(begunElsewhere)).toBe('unmarkable');
    expect(shareOf({ ...out, as: 'frames' })).toBe('unmarkable');
  });

  test('is nothing yet where there is no container', () => {
    expect(shareOf(out, { links: [cni0], admitted: [] })).toBe('no containers');
  });

  test('goes by the routes of containers with links of their own', () => {
    const pool = cidr('10.50.0.0/16');
    const routed: Flow = { ...out, from: 'veth*', source: pool, toldBy: 'networks' };
    const way = (dst: string, dev: string) =>
      ({ dst: cidr(dst), kind: 'unicast', dev, protocol: 3 }) as const;
    const two = {
      links: [],
      endpoints: new Set(['veth0a', 'veth0b']),
      ways: [way('10.50.0.2/32', 'veth0a'), way('10.50.0.3/32', 'veth0b'), way('10.60.0.2/32', 'veth0b')],
    };
    const has = (...links: readonly string[]) =>
      parseAdmitted(listing([], ['10.50.0.2', '10.50.0.3'].slice(0, links.length), links));

    expect(shareOf(routed, { ...two, admitted: has('veth0a', 'veth0b') })).toBe('all');
    expect(shareOf(routed, { ...two, admitted: has('veth0a') })).toBe('some');
    expect(shareOf(routed, { ...two, admitted: [] })).toBe('none');
  });
});
