import { describe, expect, test } from 'vitest';
import { parseRequestedMac } from '../../../lib/attach/requested-mac.ts';
import { parseBridgeConfig } from '../../../lib/bridge/config.ts';
import { addEnvironment, toCall } from '../../support/calls.ts';

const parse = (conf: object) => parseBridgeConfig(toCall(conf).conf);

describe('the configuration of bridge', () => {
  test('has the reference’s defaults', () => {
    expect(parse({})).toMatchObject({
      bridge: 'cni0',
      isGateway: false,
      ipMasq: false,
      mtu: undefined,
      hairpin: false,
      isolated: false,
      vlans: { untagged: undefined, tagged: [], keepDefault: true },
    });
    expect(parse({ bridge: '', mtu: 0, vlan: 0 })).toMatchObject({ bridge: 'cni0', mtu: undefined });
  });

  test('takes a default gateway for a gateway', () => {
    expect(parse({ isDefaultGateway: true })).toMatchObject({ isGateway: true, isDefaultGateway: true });
  });

  test('takes either masquerade backend', () => {
    expect(parse({ ipMasqBackend: 'iptables', ipMasq: true }).ipMasq).toBe(true);
    expect(parse({ ipMasqBackend: 'nftables', ipMasq: true }).ipMasq).toBe(true);
  });

  test.each([
    [{ bridge: 'a/b' }, /^bridge: /],
    [{ bridge: 'cni0; reboot' }, /^bridge: /],
    [{ bridge: 'sixteen-letters-' }, /longer than 15/],
    [{ bridge: 5 }, /^bridge: expected a string/],
    [{ mtu: -1 }, /^mtu: /],
    [{ mtu: '1500' }, /^mtu: /],
    [{ isGateway: 'true' }, /^isGateway: /],
    [{ vlan: 4095 }, /^vlan: expected a whole number from 0 to 4094/],
    [{ vlan: 5, vlanTrunk: [{ id: 6 }] }, /vlan and vlanTrunk/],
    [{ vlanTrunk: [{}] }, /^vlanTrunk\[0\]: expected id, or minID and maxID/],
    [{ vlanTrunk: [{ minID: 5 }] }, /minID and maxID together/],
    [{ vlanTrunk: [{ minID: 9, maxID: 5 }] }, /minID not above maxID/],
    [{ vlanTrunk: [{ id: 5000 }] }, /^vlanTrunk\[0\]\.id/],
    [{ hairpinMode: true, promiscMode: true }, /hairpinMode and promiscMode/],
    [{ ipMasqBackend: 'ebtables' }, /^ipMasqBackend: /],
    [{ disableContainerInterface: true, ipam: { type: 'host-local' } }, /ipam must be empty/],
  ])('%j is refused with code 7', (conf, message) => {
    expect(() => parse(conf)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringMatching(message) }),
    );
  });
});

describe('the requested MAC', () => {
  const request = (conf: object, args = '') => {
    const call = toCall(conf, addEnvironment({ CNI_ARGS: args }));
    return parseRequestedMac(call.conf, call.attachment);
  };
  const args = { cni: { mac: '02:00:00:00:00:02' } };
  const runtimeConfig = { mac: '02:00:00:00:00:03' };

  test('is the runtime’s before that of args before that of CNI_ARGS', () => {
    expect(request({}, 'MAC=02:00:00:00:00:01')).toBe('02:00:00:00:00:01');
    expect(request({ args }, 'MAC=02:00:00:00:00:01')).toBe('02:00:00:00:00:02');
    expect(request({ args, runtimeConfig }, 'MAC=02:00:00:00:00:01')).toBe('02:00:00:00:00:03');
    expect(request({})).toBeUndefined();
  });

  test('must be one that an interface can have', () => {
    expect(() => request({}, 'MAC=nonsense')).toThrow(/^CNI_ARGS MAC: expected a unicast MAC/);
    expect(() => request({ runtimeConfig: { mac: 'ff:ff:ff:ff:ff:ff' } })).toThrow(/^runtimeConfig\.mac/);
  });
});
