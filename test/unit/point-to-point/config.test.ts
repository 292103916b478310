import { describe, expect, test } from 'vitest';
import { parsePointToPointConfig } from '../../../lib/point-to-point/config.ts';
import { parseSource } from '../../../plugins/routed/config.ts';
import { toCall } from '../../support/calls.ts';

describe('what both plugins are configured by', () => {
  test('is off, or the kernel’s, where nothing is said', () => {
    expect(parsePointToPointConfig(toCall({}).conf)).toEqual({
      network: 'net',
      mtu: undefined,
      ipMasq: false,
      unmasqueraded: [],
      checksSource: false,
      dns: {},
    });
  });

  test.each([
    [{ mtu: 67 }, /^mtu: .*68/],
    [{ mtu: '1500' }, /^mtu: /],
    [{ ipMasq: 'yes' }, /^ipMasq: /],
    [{ unmasqueraded: ['10.0.0.1/8'] }, /^unmasqueraded\[0\]: .*host bits/],
    [{ unmasqueraded: '10.0.0.0/8' }, /^unmasqueraded: /],
  ])('is refused by name where it is not understood: %j', (conf, says) => {
    const parsing = () => parsePointToPointConfig(toCall(conf).conf);

    expect(parsing).toThrow(expect.objectContaining({ code: 7, message: expect.stringMatching(says) }));
  });
});

describe('where addresses of routed come from', () => {
  const sourceOf = (conf: object) => parseSource(toCall({ type: 'routed', ...conf }).conf);

  test('is the agent’s file unless an IPAM is named', () => {
    expect(sourceOf({})).toEqual({
      kind: 'share',
      path: '/run/fairlead/blocks.json',
      dataDir: undefined,
      routes: [],
    });
    expect(sourceOf({ blocksFile: '/x/blocks.json', dataDir: '/x/leases' })).toMatchObject({
      path: '/x/blocks.json',
      dataDir: '/x/leases',
    });
    expect(sourceOf({ ipam: { type: 'host-local' } })).toEqual({ kind: 'ipam' });
  });

  test.each([
    [{ ipam: {} }, /^ipam\.type: is required/],
    [{ ipam: { type: 'host-local' }, blocksFile: '/x' }, /^ipam and blocksFile cannot both/],
    [{ ipam: { type: 'host-local' }, dataDir: '/x' }, /^ipam and dataDir cannot both/],
    [{ dataDir: 'leases' }, /^dataDir: expected an absolute path/],
    [{ blocksFile: 'blocks.json' }, /^blocksFile: expected an absolute path/],
    [{ runtimeConfig: { ipRanges: [[{ subnet: '10.0.0.0/8' }]] } }, /^runtimeConfig\.ipRanges: /],
  ])('is refused where it contradicts itself: %j', (conf, says) => {
    expect(() => sourceOf(conf)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringMatching(says) }),
    );
  });
});
