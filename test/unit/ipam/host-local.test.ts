import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { listLeases } from '../../../ipam/host-local/inventory.ts';
import { createHostLocal } from '../../../ipam/host-local/plugin.ts';
import { withStore } from '../../../ipam/host-local/store.ts';
import type { Machine } from '../../../lib/exec/machine.ts';
import { formatCidr } from '../../../lib/net/cidr.ts';
import { addEnvironment, toCall } from '../../support/calls.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

// The plugin on a real file system; only boot and namespaces are scripted.

type World = { readonly bootId?: string; readonly gone?: boolean };

/** A plugin over one data directory, as it would find the machine after the changes of `world`. */
function rig(dir: string, ipam: object = { subnet: '10.1.0.0/29' }) {
  const dataDir = `${dir}/networks`;
  const machineOf = ({ bootId = 'boot-1', gone = false }: World): Machine => ({
    ...scriptMachine({ proc: { '/proc/sys/kernel/random/boot_id': bootId } }),
    // An inode that no process of this machine is in.
    identifyNetns: () => (gone ? undefined : { device: 4, inode: 1 }),
  });
  const plugin = (world: World = {}) => createHostLocal(machineOf(world));
  const call = (containerId: string, more: object = {}) =>
    toCall(
      { ipam: { type: 'host-local', dataDir, ...ipam }, ...more },
      addEnvironment({ CNI_CONTAINERID: containerId }),
    );
  return {
    dataDir,
    files: () => (existsSync(`${dataDir}/net`) ? readdirSync(`${dataDir}/net`).sort() : []),
    read: (name: string) => readFileSync(`${dataDir}/net/${name}`, 'utf8'),
    write: (name: string, content: string) => {
      mkdirSync(`${dataDir}/net`, { recursive: true });
      writeFileSync(`${dataDir}/net/${name}`, content);
    },
    add: (containerId: string, more: object = {}, world: World = {}) =>
      plugin(world)
        .add(call(containerId, more))
        .ips.map(({ address }) => formatCidr(address)),
    del: (containerId: string, world: World = {}) => plugin(world).del(call(containerId)),
    check: (containerId: string) => plugin().check(call(containerId)),
    gc: (attachments: object[]) => plugin().gc(call('x', { 'cni.dev/valid-attachments': attachments })),
    status: (world: World = {}) => plugin(world).status(call('x')),
    leases: (world: World = {}) => listLeases(dataDir, 'net', machineOf(world)),
    reclaim: (world: World) =>
      withStore(
        { config: { dataDir, network: 'net' }, machine: machineOf(world), intent: 'release' },
        (store) => store.reclaim(),
      ),
  };
}

describe('files', () => {
  test('are the reference’s: one for each address, holding container and interface', () => {
    using dir = temporaryDirectory();
    const { add, files, read, dataDir } = rig(dir.path);

    expect(add('c1')).toEqual(['10.1.0.2/29']);

    expect(files()).toEqual(['10.1.0.2', 'last_reserved_ip.0']);
    expect(read('10.1.0.2')).toBe('c1\r\neth0');
    expect(read('last_reserved_ip.0')).toBe('10.1.0.2');
    expect(statSync(`${dataDir}/net/10.1.0.2`).mode & 0o777).toBe(0o600);
  });

  test('of IPv6 leases are named by the canonical address', () => {
    using dir = temporaryDirectory();
    const { add, files } = rig(dir.path, { subnet: 'fd00:0:0::/64' });
    add('c1');
    expect(files()).toContain('fd00::2');
  });

  test('of ours lie outside the data directory', () => {
    using dir = temporaryDirectory();
    const { add, dataDir } = rig(dir.path);
    add('c1');
    expect(readdirSync(`${dataDir}.fairlead/net`).sort()).toEqual(['attachments', 'stamp']);
  });
});

describe('leasing', () => {
  test('does not give a released address to the next container', async () => {
    using dir = temporaryDirectory();
    const { add, del } = rig(dir.path);
    add('c1');
    await del('c1');
    expect(add('c2')).toEqual(['10.1.0.3/29']);
  });

  test('comes around to released addresses, and ends with code 11 when all are taken', async () => {
    using dir = temporaryDirectory();
    const { add, del, status } = rig(dir.path);
    for (const id of ['c1', 'c2', 'c3', 'c4', 'c5']) add(id);
    expect(() => add('c6')).toThrow(expect.objectContaining({ code: 11 }));
    expect(() => status()).toThrow(expect.objectContaining({ code: 50 }));
    await del('c3');
    expect(add('c6')).toEqual(['10.1.0.4/29']);
  });

  test('is refused to an attachment that has a lease, also with a requested address', () => {
    using dir = temporaryDirectory();
    const { add, files } = rig(dir.path);
    add('c1');
    expect(() => add('c1')).toThrow(/c1 interface eth0 has 10\.1\.0\.2 already/);
    expect(() => add('c1', { runtimeConfig: { ips: ['10.1.0.5'] } })).toThrow(/already/);
    expect(files()).toEqual(['10.1.0.2', 'last_reserved_ip.0']);
  });

  test('gives a requested address, and refuses one that is taken or the gateway', () => {
    using dir = temporaryDirectory();
    const { add } = rig(dir.path);
    const ips = (address: string) => ({ runtimeConfig: { ips: [address] } });
    expect(add('c1', ips('10.1.0.5'))).toEqual(['10.1.0.5/29']);
    expect(() => add('c2', ips('10.1.0.5'))).toThrow(/10\.1\.0\.5 is leased already/);
    expect(() => add('c2', ips('10.1.0.1'))).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringContaining('gateway') }),
    );
  });

  test('gives all of its range sets or nothing', () => {
    using dir = temporaryDirectory();
    const ranges = [[{ subnet: '10.1.0.0/29' }], [{ subnet: '10.2.0.0/30' }]];
    const { add, files } = rig(dir.path, { ranges });
    expect(add('c1')).toEqual(['10.1.0.2/29', '10.2.0.2/30']);
    expect(() => add('c2')).toThrow(/10\.2\.0\.1-10\.2\.0\.2/);
    expect(files().filter((name) => !name.startsWith('last'))).toEqual(['10.1.0.2', '10.2.0.2']);
  });

  test('passes over addresses that another program has leased', () => {
    using dir = temporaryDirectory();
    const { add, write } = rig(dir.path);
    write('10.1.0.2', 'theirs\r\neth0');
    write('10.1.0.3', 'theirs2');
    expect(add('c1')).toEqual(['10.1.0.4/29']);
  });

  test('waits for the cool-down of a released address', async () => {
    using dir = temporaryDirectory();
    const { add, del, dataDir } = rig(dir.path, { subnet: '10.1.0.0/30', cooldown: 60 });
    add('c1');
    await del('c1');
    expect(() => add('c2')).toThrow(expect.objectContaining({ code: 11 }));
    const past = new Date(Date.now() - 61_000);
    utimesSync(`${dataDir}.fairlead/net/cooling/10.1.0.2`, past, past);
    expect(add('c2')).toEqual(['10.1.0.2/30']);
  });
});

describe('releasing', () => {
  test('succeeds twice, and where there never was a lease', async () => {
    using dir = temporaryDirectory();
    const { add, del, files } = rig(dir.path);
    await del('nobody');
    expect(existsSync(`${dir.path}/networks.fairlead`)).toBe(false);
    add('c1');
    await del('c1');
    await del('c1');
    expect(files()).toEqual(['last_reserved_ip.0']);
  });

  test.each([
    ['of the reference', 'theirs\r\neth0'],
    ['of the old form, without an interface', 'theirs'],
    ['with blanks around', ' theirs\r\neth0\n'],
  ])('finds a lease %s', async (_, content) => {
    using dir = temporaryDirectory();
    const { del, write, files } = rig(dir.path);
    write('10.1.0.2', content);
    await del('theirs');
    expect(files()).toEqual([]);
  });

  test('leaves the other interface’s lease of the same container', async () => {
    using dir = temporaryDirectory();
    const { add, del, write, files } = rig(dir.path);
    add('c1');
    write('10.1.0.5', 'c1\r\neth1');
    await del('c1');
    expect(files()).toEqual(['10.1.0.5', 'last_reserved_ip.0']);
  });

  test('leaves an address that somebody else has taken since', async () => {
    using dir = temporaryDirectory();
    const { add, del, write, read } = rig(dir.path);
    add('c1');
    write('10.1.0.2', 'other\r\neth0');
    await del('c1');
    expect(read('10.1.0.2')).toBe('other\r\neth0');
  });

  test('is not stopped by damaged entries', async () => {
    using dir = temporaryDirectory();
    const { add, del, write, files, dataDir } = rig(dir.path);
    add('c1');
    write('10.1.0.4', '');
    write('10.1.0.5', '\u0000\u0001\u0002');
    write('not an address', 'c1\r\neth0');
    mkdirSync(`${dataDir}/net/10.1.0.6`);
    await del('c1');
    expect(files()).toEqual(['10.1.0.4', '10.1.0.5', '10.1.0.6', 'last_reserved_ip.0', 'not an address']);
  });

  test('is not stopped by a damaged index', async () => {
    using dir = temporaryDirectory();
    const { add, del, files, dataDir } = rig(dir.path);
    add('c1');
    writeFileSync(`${dataDir}.fairlead/net/attachments/c1,eth0`, '{"addresses":');
    writeFileSync(`${dataDir}.fairlead/net/stamp`, 'nonsense');
    await del('c1');
    expect(files()).toEqual(['last_reserved_ip.0']);
  });
});

describe('the dead', () => {
  test('do not make a full pool unready: an ADD would reclaim them', () => {
    using dir = temporaryDirectory();
    const { add, status } = rig(dir.path, { subnet: '10.1.0.0/30' });
    add('c1');
    expect(() => status()).toThrow(expect.objectContaining({ code: 50 }));
    status({ gone: true });
  });

  test('of an earlier boot are reclaimed by the next call', () => {
    using dir = temporaryDirectory();
    const { add } = rig(dir.path, { subnet: '10.1.0.0/30' });
    add('c1');
    expect(() => add('c2')).toThrow(/no free address/);
    expect(add('c2', {}, { bootId: 'boot-2' })).toEqual(['10.1.0.2/30']);
  });

  test('whose namespace is gone are reclaimed when the pool is empty', () => {
    using dir = temporaryDirectory();
    const { add } = rig(dir.path, { subnet: '10.1.0.0/30' });
    add('c1');
    expect(add('c2', {}, { gone: true })).toEqual(['10.1.0.2/30']);
  });

  test('do not keep their own container from being started again', () => {
    using dir = temporaryDirectory();
    const { add } = rig(dir.path);
    add('c1');
    expect(add('c1', {}, { gone: true })).toEqual(['10.1.0.3/29']);
  });

  test('are only ours to judge: a lease of the reference is listed as unknown and kept', () => {
    using dir = temporaryDirectory();
    const { add, write, leases, reclaim, files } = rig(dir.path);
    write('10.1.0.2', 'theirs\r\neth0');
    add('c1');
    expect(leases({ gone: true }).map(({ address, state }) => `${address} ${state}`)).toEqual([
      '10.1.0.2 unknown',
      '10.1.0.3 dead',
    ]);
    expect(reclaim({ gone: true }).map(({ containerId }) => containerId)).toEqual(['c1']);
    expect(files()).toEqual(['10.1.0.2', 'last_reserved_ip.0']);
  });
});

describe('CHECK and GC', () => {
  test('CHECK finds the lease, and its absence', async () => {
    using dir = temporaryDirectory();
    const { add, del, check } = rig(dir.path);
    add('c1');
    check('c1');
    await del('c1');
    expect(() => check('c1')).toThrow(/c1 interface eth0 has no lease/);
  });

  test('GC keeps exactly the valid attachments', async () => {
    using dir = temporaryDirectory();
    const { add, gc, files, write } = rig(dir.path);
    add('c1');
    add('c2');
    write('10.1.0.5', 'legacy');
    write('10.1.0.6', 'stale');
    await gc([
      { containerID: 'c2', ifname: 'eth0' },
      { containerID: 'legacy', ifname: 'eth7' },
    ]);
    expect(files()).toEqual(['10.1.0.3', '10.1.0.5', 'last_reserved_ip.0']);
  });
});
