import { describe, expect, test } from 'vitest';
import { parseLinks, parseRoutes } from '../../../lib/iproute/parse.ts';
import { renderIp } from '../../../lib/iproute/render.ts';
import { parseAddress } from '../../../lib/net/address.ts';
import { parseCidr } from '../../../lib/net/cidr.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { ownedRule } from '../../../lib/nft/operation.ts';
import { parseNftListing, ruleComments } from '../../../lib/nft/parse.ts';
import { renderNft } from '../../../lib/nft/render.ts';

describe('an ip line', () => {
  // Values come branded; this is the guard for the day when one does not.
  test.each(['a b', 'a\nlink del dev eth0', 'a#b', "a'b", 'a"b', 'a\\b', 'ä', ''])(
    'is never made from %j',
    (word) => {
      expect(() => renderIp({ kind: 'set-up', name: word as IfName })).toThrow(
        /not a word that ip -batch can take/,
      );
    },
  );

  test('of a route has its attributes', () => {
    const dst = parseCidr('10.9.0.0/16');
    const gw = parseAddress('10.1.0.1');
    if (dst === undefined || gw === undefined) throw new Error('no addresses');
    const route = { dst, gw, mtu: 1400, advmss: 1360, priority: 50, table: 100 };
    expect(renderIp({ kind: 'add-route', link: 'eth0' as IfName, route })).toBe(
      'route prepend 10.9.0.0/16 via 10.1.0.1 dev eth0 mtu 1400 advmss 1360 metric 50 table 100',
    );
  });

  test('of an IPv4 route without a gateway says that it is on the link', () => {
    const dst = parseCidr('169.254.1.1/32');
    if (dst === undefined) throw new Error('no address');
    expect(renderIp({ kind: 'add-route', link: 'eth0' as IfName, route: { dst } })).toBe(
      'route prepend 169.254.1.1/32 dev eth0 scope 253',
    );
  });
});

describe('what ip prints', () => {
  test('becomes a link', () => {
    const text = JSON.stringify([
      {},
      {
        ifname: 'veth1',
        address: '02:00:00:00:00:01',
        mtu: 1400,
        flags: ['UP', 'PROMISC'],
        master: 'br0',
        ifalias: 'fairlead/net/c1/eth0',
        linkinfo: {
          info_kind: 'veth',
          info_slave_kind: 'bridge',
          info_slave_data: { hairpin: true, isolated: false },
        },
        addr_info: [{ local: '10.1.0.1', prefixlen: 24 }, { local: 'fe80::1', prefixlen: 64 }, {}],
      },
    ]);
    expect(parseLinks(text)).toMatchObject([
      {
        name: 'veth1',
        isUp: true,
        isPromiscuous: true,
        kind: 'veth',
        master: 'br0',
        alias: 'fairlead/net/c1/eth0',
        port: { hairpin: true, isolated: false },
        addresses: [parseCidr('10.1.0.1/24'), parseCidr('fe80::1/64')],
      },
    ]);
  });

  test('becomes routes; nothing at all is an empty list', () => {
    expect(
      parseRoutes('[{"dst":"default","gateway":"10.1.0.1","dev":"eth0"},{"dst":"10.1.0.0/24"}]', 4),
    ).toEqual([
      { dst: parseCidr('0.0.0.0/0'), gateway: '10.1.0.1', link: 'eth0' },
      { dst: parseCidr('10.1.0.0/24'), gateway: undefined },
    ]);
    expect(parseRoutes('[{"dst":"default"},{"dst":"fd00::2"}]', 6).map(({ dst }) => dst)).toEqual([
      parseCidr('::/0'),
      parseCidr('fd00::2/128'),
    ]);
    expect(parseRoutes('', 4)).toEqual([]);
  });
});

describe('nft', () => {
  const table = { family: 'inet', name: 'fairlead' } as const;

  test('makes each table once, before what is in it', () => {
    const script = renderNft([
      { kind: 'add-set', table, set: 'a', types: ['ifname'] },
      { kind: 'add-set', table, set: 'b', types: ['ifname', 'ether_addr'] },
    ]);
    expect(script).toEqual([
      'add table inet fairlead',
      'add set inet fairlead a { type ifname; }',
      'add set inet fairlead b { type ifname . ether_addr; }',
    ]);
  });

  test('has no way to quote: a comment that needs it is refused', () => {
    const chain = {
      kind: 'write-chain',
      table,
      chain: 'c',
      hook: { type: 'filter', hook: 'prerouting', priority: '0' },
      comment: 'a " b',
      rules: [],
    } as const;
    expect(() => renderNft([chain])).toThrow(/not a string that nft can hold/);
  });

  test('prints one document for each command of a script; tables of others are left out', () => {
    const rule = (chain: string, comment: string, name = 'fairlead') => ({
      nftables: [{ metainfo: {} }, { rule: { family: 'inet', table: name, chain, comment } }],
    });
    const text = `${JSON.stringify(rule('a', 'one'))}\n\n${JSON.stringify(rule('b', 'two'))}\n${JSON.stringify(rule('a', 'x', 'other'))}\n`;
    const listing = parseNftListing(text);
    expect(ruleComments(listing, table, 'a')).toEqual(['one']);
    expect(ruleComments(listing, table, 'b')).toEqual(['two']);
    expect(ruleComments(listing, table, 'c')).toEqual([]);
  });

  test('keeps in the comment what tells an altered rule from ours', () => {
    expect(ownedRule('net', 'accept').comment).not.toBe(ownedRule('net', 'drop').comment);
    expect(ownedRule('net'.repeat(100), 'accept').comment.length).toBeLessThan(120);
  });
});
