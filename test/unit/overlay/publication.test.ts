import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { IfName } from '../../../lib/net/ifname.ts';
import { wishOf } from '../../../lib/overlay/kernel/wish.ts';
import { tableOf } from '../../../lib/overlay/lease/table.ts';
import { renderLease } from '../../../lib/overlay/lease/text.ts';
import type { OverlaySettings } from '../../../lib/overlay/settings.ts';
import {
  type Published,
  publish,
  withdraw,
  withdrawTaken,
} from '../../../lib/overlay/subnet-env/publication.ts';
import { readRemembered } from '../../../lib/overlay/subnet-env/remembered.ts';
import { cidr, lease, plane, publicAddress, subnet } from '../../support/overlay-planes.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const boot = '0d6dfad1-6f5e-4b3a-9c52-0f3a3a4f8a11';
const prefix = '/coreos.com/network';

const settingsIn = (dir: string): OverlaySettings => ({
  prefix,
  outer: { interface: undefined, publicAddresses: {} },
  mode: 'l3',
  bridge: 'cni0' as IfName,
  leaseTtlSeconds: 86_400,
  subnetFile: `${dir}/run/subnet.env`,
  stateFile: `${dir}/lib/overlay.json`,
  ipMasq: false,
  resyncMs: 10_000,
});

const dual = { ...lease(1), endpoints: { ...lease(1).endpoints, ...lease(1, {}, 6).endpoints } };
const planes = [plane(1), plane(1, { family: 6 })].map((each) => ({
  plane: each,
  peers: [],
  wish: wishOf(each, []),
}));
const networks = { 4: cidr('10.5.0.0/16'), 6: cidr('fd00:5::/48') };
const published: Published = { lease: dual, untilSeconds: 100.7, target: { planes, networks, refused: [] } };

describe('what is published', () => {
  test('is the host’s part of both families with the smaller MTU, and is remembered', () => {
    using dir = temporaryDirectory();
    const settings = settingsIn(dir.path);

    publish(settings, published, boot);

    expect(readFileSync(settings.subnetFile, 'utf8')).toBe(
      `FLANNEL_NETWORK=10.5.0.0/16
FLANNEL_SUBNET=10.5.1.1/24
FLANNEL_IPV6_NETWORK=fd00:5::/48
FLANNEL_IPV6_SUBNET=fd00:5:0:1::1/64
FLANNEL_MTU=1430
FLANNEL_IPMASQ=false
FAIRLEAD_MODE=l3
FAIRLEAD_DEVICE=flannel.1
FAIRLEAD_IPV6_DEVICE=flannel-v6.1
FAIRLEAD_BOOT_ID=${boot}
FAIRLEAD_LEASE_UNTIL=100
`,
    );
    expect(readRemembered(settings.stateFile)).toEqual({ 4: subnet(1), 6: subnet(1, 6) });
  });

  test('is of both families although one device carries them, in mode l2', () => {
    using dir = temporaryDirectory();
    const settings = { ...settingsIn(dir.path), mode: 'l2' } as const;

    publish(settings, { ...published, target: { planes: planes.slice(0, 1), networks, refused: [] } }, boot);

    const text = readFileSync(settings.subnetFile, 'utf8');
    expect(text).toContain('FLANNEL_IPV6_NETWORK=fd00:5::/48');
    expect(text).not.toContain('FAIRLEAD_IPV6_DEVICE');
  });

  test('is written again only where something has changed, or somebody has removed or damaged it', () => {
    using dir = temporaryDirectory();
    const settings = settingsIn(dir.path);
    const inode = () => statSync(settings.subnetFile).ino;
    publish(settings, published, boot);
    const first = inode();

    publish(settings, published, boot);
    expect(inode()).toBe(first);
    writeFileSync(settings.subnetFile, 'damaged');
    publish(settings, published, boot);
    rmSync(settings.subnetFile);
    publish(settings, published, boot);
    publish(settings, { ...published, untilSeconds: 200 }, boot);

    expect(readFileSync(settings.subnetFile, 'utf8')).toContain('FAIRLEAD_LEASE_UNTIL=200');
  });

  test('is taken back, whether it is there or not; what is remembered stays', () => {
    using dir = temporaryDirectory();
    const settings = settingsIn(dir.path);
    publish(settings, published, boot);

    withdraw(settings);
    withdraw(settings);

    expect(existsSync(settings.subnetFile)).toBe(false);
    expect(readRemembered(settings.stateFile)).toEqual({ 4: subnet(1), 6: subnet(1, 6) });
  });
});

describe('what a former run has left', () => {
  const own = { publicAddress: publicAddress(1), vni: 1, vtepMac: plane(1).mac };
  const identity = { node: 'own', self: { 4: own } };

  /** What becomes of it when etcd has this lease. */
  function afterReading(key: string, holder: ReturnType<typeof lease>) {
    using dir = temporaryDirectory();
    const settings = settingsIn(dir.path);
    publish(settings, published, boot);
    const { value } = renderLease(holder);
    const kv = {
      key: `${prefix}/subnets/${key}`,
      value,
      createRevision: 5,
      modRevision: 5,
      version: 1,
      lease: '0',
    };

    const taker = withdrawTaken(settings, tableOf([kv], prefix), identity);

    return { taker, isThere: existsSync(settings.subnetFile) };
  }

  test.each([
    ['the whole', '10.5.1.0-24', '10.5.1.0/24'],
    ['a part', '10.5.1.128-25', '10.5.1.128/25'],
    ['more', '10.5.0.0-20', '10.5.0.0/20'],
  ])('is removed where another host has leased %s of it', (_, key, taken) => {
    const holder = { ...lease(2, { subnet: cidr(taken) }), node: 'other' };

    expect(afterReading(key, holder)).toEqual({ taker: '192.0.2.2', isThere: false });
  });

  test.each([
    ['nobody has it', '10.5.9.0-24', { ...lease(9), node: 'other' }],
    ['this host has it', '10.5.1.0-24', { ...lease(1), node: 'own' }],
    ['it was flanneld’s, on this host', '10.5.1.0-24', lease(1)],
  ])('stays where %s', (_, key, holder) => {
    expect(afterReading(key, holder)).toEqual({ taker: undefined, isThere: true });
  });

  test('may be nothing at all', () => {
    using dir = temporaryDirectory();

    expect(withdrawTaken(settingsIn(dir.path), tableOf([], prefix), identity)).toBeUndefined();
  });
});
