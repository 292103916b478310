import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseSubnetFile } from '../../../ipam/host-local/subnet-file.ts';
import { CniError } from '../../../lib/errors/cni-error.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import {
  isCurrent,
  parseSubnetEnv,
  renderSubnetEnv,
  type SubnetEnv,
} from '../../../lib/overlay/subnet-env/subnet-env.ts';
import {
  readSubnetEnv,
  removeSubnetEnv,
  writeSubnetEnv,
} from '../../../lib/overlay/subnet-env/subnet-env-file.ts';
import { cidr } from '../../support/overlay-planes.ts';
import { Random } from '../../support/random.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const rounds = process.env.SOAK === '1' ? 200_000 : 4_000;

const path = '/run/flannel/subnet.env';
const boot = '0d6dfad1-6f5e-4b3a-9c52-0f3a3a4f8a11';

const ours: SubnetEnv = {
  networks: { 4: [cidr('10.5.0.0/16')], 6: [cidr('fd00:5::/48')] },
  subnets: { 4: cidr('10.5.34.0/24'), 6: cidr('fd00:5:0:1::/64') },
  mtu: 1430,
  ipMasq: false,
  mode: 'l3',
  devices: { 4: 'flannel.1' as IfName, 6: 'flannel-v6.1' as IfName },
  bootId: boot,
  leaseUntilSeconds: 86_400,
};

const text = `FLANNEL_NETWORK=10.5.0.0/16
FLANNEL_SUBNET=10.5.34.1/24
FLANNEL_IPV6_NETWORK=fd00:5::/48
FLANNEL_IPV6_SUBNET=fd00:5:0:1::1/64
FLANNEL_MTU=1430
FLANNEL_IPMASQ=false
FAIRLEAD_MODE=l3
FAIRLEAD_DEVICE=flannel.1
FAIRLEAD_IPV6_DEVICE=flannel-v6.1
FAIRLEAD_BOOT_ID=${boot}
FAIRLEAD_LEASE_UNTIL=86400
`;

const flannels = `FLANNEL_NETWORK=10.5.0.0/16
FLANNEL_SUBNET=10.5.34.1/24
FLANNEL_MTU=1450
FLANNEL_IPMASQ=true
`;

test('our file has the lines of flanneld in its order, and then our own', () => {
  expect(renderSubnetEnv(ours)).toBe(text);
});

test('our file is read as it was written', () => {
  expect(parseSubnetEnv(text, path)).toEqual(ours);
});

test('the file of flanneld is read', () => {
  expect(parseSubnetEnv(flannels, path)).toEqual({
    networks: { 4: [cidr('10.5.0.0/16')] },
    subnets: { 4: cidr('10.5.34.0/24') },
    mtu: 1450,
    ipMasq: true,
    mode: 'l3',
    devices: {},
    bootId: undefined,
    leaseUntilSeconds: undefined,
  });
});

test('host-local reads the subnets of our file', () => {
  const ranges = parseSubnetFile(renderSubnetEnv(ours), path).map(([range]) => range.subnet);

  expect(ranges).toEqual([cidr('10.5.34.0/24'), cidr('fd00:5:0:1::/64')]);
});

test('of several networks all are known, of other variables nothing', () => {
  const env = parseSubnetEnv(
    '# by hand\n\nexport X=1\nFLANNEL_NETWORK=10.5.0.0/16,10.7.0.0/16\r\n FLANNEL_SUBNET = 10.5.34.1/24\nFLANNEL_FUTURE=yes\nFLANNEL_MTU=',
    path,
  );

  expect(env.networks).toEqual({ 4: [cidr('10.5.0.0/16'), cidr('10.7.0.0/16')] });
  expect(env.mtu).toBeUndefined();
});

test('part of a second does not make the lease longer', () => {
  expect(renderSubnetEnv({ ...ours, leaseUntilSeconds: 99.9 })).toContain('FAIRLEAD_LEASE_UNTIL=99\n');
});

describe('refused, naming the file and the variable:', () => {
  test.each<[string, string]>([
    ['', 'neither FLANNEL_SUBNET nor FLANNEL_IPV6_SUBNET'],
    ['FLANNEL_SUBNET=10.5.34.1/24', 'FLANNEL_NETWORK: is required'],
    ['FLANNEL_NETWORK=x\nFLANNEL_SUBNET=10.5.34.1/24', 'FLANNEL_NETWORK: expected'],
    ['FLANNEL_NETWORK=10.5.0.0/16,\nFLANNEL_SUBNET=10.5.34.1/24', 'FLANNEL_NETWORK: expected'],
    ['FLANNEL_NETWORK=fd00::/48\nFLANNEL_SUBNET=10.5.34.1/24', 'FLANNEL_NETWORK: expected'],
    ['FLANNEL_SUBNET=10.5.34.1', 'FLANNEL_SUBNET: expected'],
    ['FLANNEL_SUBNET=fd00::1/64', 'FLANNEL_SUBNET: expected'],
    ['FLANNEL_SUBNET=255.255.255.255/32', 'FLANNEL_SUBNET: expected'],
    ['FLANNEL_IPV6_SUBNET=10.5.34.1/24', 'FLANNEL_IPV6_SUBNET: expected'],
    [`${flannels}FLANNEL_MTU=-1`, 'FLANNEL_MTU: expected'],
    [`${flannels}FLANNEL_MTU=9e9`, 'FLANNEL_MTU: expected'],
    [`${flannels}FLANNEL_IPMASQ=yes`, 'FLANNEL_IPMASQ: expected'],
    [`${flannels}FAIRLEAD_MODE=l4`, 'FAIRLEAD_MODE: expected'],
    [`${flannels}FAIRLEAD_DEVICE=a b`, 'FAIRLEAD_DEVICE: expected'],
    [`${flannels}FAIRLEAD_BOOT_ID=../x`, 'FAIRLEAD_BOOT_ID: expected'],
    [`${flannels}FAIRLEAD_LEASE_UNTIL=soon`, 'FAIRLEAD_LEASE_UNTIL: expected'],
  ])('%j', (content, problem) => {
    const failure = failureOf(() => parseSubnetEnv(content, path));

    expect(failure.code).toBe(7);
    expect(failure.message).toContain(`${path}: `);
    expect(failure.message).toContain(problem);
  });
});

test('whatever is damaged, the file is read as it stands or refused with code 7', () => {
  const random = new Random(5);
  let read = 0;
  for (let round = 0; round < rounds; round++) {
    const at = random.below(text.length);
    const insert = random.pick(['', '=', '\n', '0', '/', ',', ':', '\u0000', 'é', ' ']);
    const content = text.slice(0, at) + insert + text.slice(at + random.below(30));
    try {
      const env = parseSubnetEnv(content, path);
      read++;
      expect(parseSubnetEnv(renderSubnetEnv(env), path)).toEqual(env);
    } catch (error) {
      expect(error).toMatchObject({ code: 7, message: expect.stringContaining(path) });
    }
  }
  expect(read).toBeGreaterThan(200);
});

describe('a file', () => {
  const { bootId: _, leaseUntilSeconds: __, ...rest } = ours;

  test.each<[string, Pick<SubnetEnv, 'bootId' | 'leaseUntilSeconds'>, boolean]>([
    ['of flanneld holds', { bootId: undefined, leaseUntilSeconds: undefined }, true],
    ['of this boot without an end holds', { bootId: boot, leaseUntilSeconds: undefined }, true],
    ['holds while the lease does', { bootId: boot, leaseUntilSeconds: 1001 }, true],
    ['does not hold when the lease ends', { bootId: boot, leaseUntilSeconds: 1000 }, false],
    ['of another boot does not hold', { bootId: boot.replace('0', 'f'), leaseUntilSeconds: 1001 }, false],
    [
      'of another boot without an end does not hold',
      { bootId: boot.replace('0', 'f'), leaseUntilSeconds: undefined },
      false,
    ],
  ])('%s', (_name, said, expected) => {
    expect(isCurrent({ ...rest, ...said }, { bootId: boot, uptimeSeconds: 1000 })).toBe(expected);
  });
});

describe('on disk', () => {
  test('the directory is made, all may read, and nothing else is left there', () => {
    using dir = temporaryDirectory();
    const file = `${dir.path}/run/flannel/subnet.env`;
    const umask = process.umask(0o077);
    try {
      writeSubnetEnv(file, ours);
    } finally {
      process.umask(umask);
    }

    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(readdirSync(`${dir.path}/run/flannel`)).toEqual(['subnet.env']);
  });

  test('it is replaced whole: who has the old one open goes on reading it', () => {
    using dir = temporaryDirectory();
    const file = `${dir.path}/subnet.env`;
    writeSubnetEnv(file, ours);
    const before = statSync(file).ino;

    writeSubnetEnv(file, { ...ours, mtu: 1400 });

    expect(readSubnetEnv(file)?.mtu).toBe(1400);
    expect(statSync(file).ino).not.toBe(before);
  });

  test('a failure leaves the old file, no scratch file, and an error that says where', () => {
    using dir = temporaryDirectory();
    const file = `${dir.path}/subnet.env`;
    mkdirSync(file);

    const failure = failureOf(() => writeSubnetEnv(file, ours));

    expect(failure.code).toBe(5);
    expect(failure.message).toContain(`writing ${file}`);
    expect(readdirSync(dir.path)).toEqual(['subnet.env']);
  });

  test('what is not there is read as nothing and removed without a word', () => {
    using dir = temporaryDirectory();
    const file = `${dir.path}/subnet.env`;

    expect(readSubnetEnv(file)).toBeUndefined();
    removeSubnetEnv(file);
    writeSubnetEnv(file, ours);
    removeSubnetEnv(file);

    expect(existsSync(file)).toBe(false);
  });
});

function failureOf(work: () => unknown): CniError {
  try {
    work();
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
  throw new Error('was taken');
}
