import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { judgeManagers, type ManagersEvidence } from '../../../lib/doctor/managers/judge-managers.ts';
import { removesRoutes, treatmentOf } from '../../../lib/doctor/managers/networkd.ts';
import { isLeftToOthers } from '../../../lib/doctor/managers/networkmanager.ts';
import { parseIni } from '../../../lib/doctor/managers/parse-ini.ts';
import { statesOf, troublesOf } from './fixture.ts';

const links = [
  { name: 'cni0', kind: 'bridge' },
  { name: 'veth0a1b2c3d', kind: 'veth' },
  { name: 'flannel.1', kind: 'vxlan' },
] as const;

const file = (path: string, text: string) => ({ path, text });
const snippet = (name: string) =>
  file(
    `/etc/10-fairlead${name.slice(name.lastIndexOf('.'))}`,
    readFileSync(`scripts/unmanaged/${name}`, 'utf8'),
  );

const nobody: ManagersEvidence = { links, networkManager: undefined, networkd: undefined, hasOverlay: true };

test('where nobody manages links, all is well', () => {
  expect(statesOf(judgeManagers(nobody))).toEqual(['ok']);
});

test('with our files for both, all is well', () => {
  const verdicts = judgeManagers({
    ...nobody,
    networkManager: [snippet('networkmanager.conf')],
    networkd: { networks: [snippet('networkd.network')], settings: [snippet('networkd.conf')] },
  });

  expect(statesOf(verdicts)).toEqual(['ok']);
});

test('without them each is a warning that names the file', () => {
  const verdicts = judgeManagers({ ...nobody, networkManager: [], networkd: { networks: [], settings: [] } });

  expect(troublesOf(verdicts)).toEqual([
    expect.stringMatching(
      /^warning: NetworkManager .*cni0, veth0a1b2c3d, flannel\.1.*unmanaged\/networkmanager\.conf/,
    ),
    expect.stringMatching(/^warning: systemd-networkd .*unmanaged\/networkd\.network/),
    expect.stringMatching(/^warning: systemd-networkd removes routes.*unmanaged\/networkd\.conf/),
  ]);
});

test('a bridge of another name has to be added to the file', () => {
  const verdicts = judgeManagers({ ...nobody, links: [{ name: 'br7', kind: 'bridge' }], networkManager: [] });

  expect(troublesOf(verdicts)).toEqual([expect.stringMatching(/, with br7 added$/)]);
});

describe('NetworkManager', () => {
  test.each([
    ['interface-name:cni*', true],
    ['cni0', true],
    ['*', true],
    ['interface-name:=cni0', true],
    ['interface-name:=cni*', false],
    ['type:bridge', true],
    ['driver:veth', false],
    ['mac:00:22:68:1c:59:b1', false],
    ['interface-name:cni?;except:interface-name:cni0', false],
    ['interface-name:veth*,interface-name:cni0', true],
    ['none', false],
  ])('unmanaged-devices=%s for cni0: %s', (value, expected) => {
    const files = [file('/x.conf', `[keyfile]\nunmanaged-devices=${value}\n`)];

    expect(isLeftToOthers(files, links[0])).toBe(expected);
  });

  test('a later file takes the place of what was said, or adds to it', () => {
    const first = file('/1.conf', '[keyfile]\nunmanaged-devices=interface-name:cni0');
    const place = file('/2.conf', '[keyfile]\nunmanaged-devices=interface-name:eth9');
    const more = file('/2.conf', '[keyfile]\nunmanaged-devices+=interface-name:eth9');

    expect(isLeftToOthers([first, place], links[0])).toBe(false);
    expect(isLeftToOthers([first, more], links[0])).toBe(true);
  });
});

describe('systemd-networkd', () => {
  const unmanaged = file(
    '/etc/systemd/network/10-mine.network',
    '[Match]\nName=veth* cni*\n[Link]\nUnmanaged=yes',
  );

  test.each([
    ['by name', 'Name=cni0', 'managed'],
    ['by any name', 'Name=*', 'managed'],
    ['by all names but one', 'Name=!eth0', 'managed'],
    ['by the kind', 'Kind=bridge veth', 'managed'],
    ['by another name', 'Name=ve-*\nDriver=veth', 'unknown'],
    ['by an address', 'MACAddress=02:00:00:00:00:01', 'unknown'],
    ['by nothing', '', 'unknown'],
  ])('a file that matches %s', (_, match, expected) => {
    const files = [file('/etc/systemd/network/20-x.network', `[Match]\n${match}\n[Network]\nDHCP=yes`)];

    expect(treatmentOf(files, links[0]).kind).toBe(expected);
  });

  test('veth pairs are of the type ether', () => {
    const files = [file('/etc/systemd/network/20-x.network', '[Match]\nType=ether')];

    expect(treatmentOf(files, links[1]).kind).toBe('managed');
    expect(treatmentOf(files, links[0]).kind).toBe('unknown');
  });

  test('the first file by its name counts, wherever it is', () => {
    const all = (name: string) => file(`/usr/lib/systemd/network/${name}.network`, '[Match]\nName=*');

    expect(treatmentOf([all('20-all'), unmanaged], links[0])).toEqual({ kind: 'left' });
    expect(treatmentOf([unmanaged, all('05-all')], links[0])).toEqual({
      kind: 'managed',
      path: '/usr/lib/systemd/network/05-all.network',
    });
  });

  test('a link that it manages is a problem that names the file', () => {
    const networks = [file('/etc/systemd/network/20-all.network', '[Match]\nName=c*')];

    const verdicts = judgeManagers({ ...nobody, hasOverlay: false, networkd: { networks, settings: [] } });

    expect(troublesOf(verdicts)).toEqual([
      expect.stringMatching(
        /^problem: systemd-networkd manages cni0 by \/etc\/systemd\/network\/20-all\.network/,
      ),
      expect.stringMatching(/^warning: .*veth0a1b2c3d, flannel\.1/),
    ]);
  });

  test('it removes routes unless it is told not to', () => {
    expect(removesRoutes([])).toBe(true);
    expect(removesRoutes([file('/a', '[Network]\nManageForeignRoutes=yes')])).toBe(true);
    expect(removesRoutes([file('/a', '[Network]\n#ManageForeignRoutes=yes\nManageForeignRoutes=no')])).toBe(
      false,
    );
  });
});

test('sections, comments and additions of a key file are understood', () => {
  expect(parseIni('a=1\n[S 1]\n# c\n; d\n b = x=y \nlist+=z\nno line\n')).toEqual([
    { section: '', key: 'a', adds: false, value: '1' },
    { section: 'S 1', key: 'b', adds: false, value: 'x=y' },
    { section: 'S 1', key: 'list', adds: true, value: 'z' },
  ]);
});
