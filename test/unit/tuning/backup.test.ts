import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { IfName } from '../../../lib/net/ifname.ts';
import { parseMac } from '../../../lib/net/mac.ts';
import { renderPlan } from '../../../lib/plan/render.ts';
import { requireAllowed } from '../../../lib/tuning/allowlist.ts';
import { parseBackup, renderBackup } from '../../../lib/tuning/backup.ts';
import { planSettings, replacedBy } from '../../../lib/tuning/plan.ts';
import { noSettings } from '../../../lib/tuning/settings.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

describe('a backup', () => {
  const found = {
    mac: parseMac('02:00:00:00:00:01'),
    mtu: 1500,
    promiscuous: false,
    allMulticast: false,
    txQueueLength: 1000,
  };

  test('is read as it was written', () => {
    expect(parseBackup(renderBackup(found, 'net'))).toEqual({ settings: found, network: 'net' });
  });

  test('of the reference is read, too', () => {
    const text = '{\n "mac": "02:00:00:00:00:01",\n "promisc": false,\n "mtu": 1500,\n "txQLen": 0\n}';

    expect(parseBackup(text)).toEqual({
      settings: { ...found, allMulticast: undefined, txQueueLength: 0 },
      network: undefined,
    });
  });

  test('holds only what is going to be changed', () => {
    const wish = { ...noSettings, mtu: 1300, allMulticast: false };

    expect(JSON.parse(renderBackup(replacedBy(wish, found), 'net'))).toEqual({
      mtu: 1500,
      allmulti: false,
      network: 'net',
    });
  });

  test.each([['{"mac":"02:0'], ['[]'], ['{"mtu":"1500"}'], ['']])('%j is none', (text) => {
    expect(parseBackup(text)).toBeUndefined();
  });
});

describe('the plan', () => {
  const eth0 = 'eth0' as IfName;
  const wish = { ...noSettings, mac: parseMac('02:00:00:00:00:02'), mtu: 1300 };

  test('takes back what it sets, each by what was there', () => {
    const found = { ...noSettings, mac: parseMac('02:00:00:00:00:01'), mtu: 1500, promiscuous: true };

    expect(renderPlan(planSettings(eth0, wish, found))).toMatchInlineSnapshot(`
      "# container: ip -batch -
        link set dev eth0 address 02:00:00:00:00:02
        link set dev eth0 mtu 1300
      # undo: container: ip -batch -
        link set dev eth0 mtu 1500
        link set dev eth0 address 02:00:00:00:00:01"
    `);
  });

  test('takes the rest back where one thing is not known', () => {
    const [mac, mtu] = planSettings(eth0, wish, { ...noSettings, mtu: 1500 });

    expect(mac?.undo).toBeUndefined();
    expect(mtu?.undo).toMatchObject({ kind: 'set-mtu', mtu: 1500 });
  });
});

describe('the list of kernel settings that are allowed', () => {
  const sysctl = { name: 'net.core.somaxconn', path: 'core/somaxconn', value: '1' };

  test.each([
    ['a line that matches', '^net\\.ipv4\\.\n\n ^net\\.core\\..*$ \n', true],
    ['a line that matches in the middle', 'core', true],
    ['none that does', '^net\\.ipv4\\.', false],
    ['no line', '', false],
  ])('%s', (_, text, isAllowed) => {
    using dir = temporaryDirectory();
    const path = `${dir.path}/allowlist.conf`;
    writeFileSync(path, text);

    const check = () => requireAllowed([sysctl], path);

    if (isAllowed) expect(check).not.toThrow();
    else expect(check).toThrow(`net.core.somaxconn is not allowed by ${path}`);
  });

  test('that is no file allows everything', () => {
    using dir = temporaryDirectory();

    expect(() => requireAllowed([sysctl], `${dir.path}/absent.conf`)).not.toThrow();
  });

  test('with a line that is no expression says which', () => {
    using dir = temporaryDirectory();
    const path = `${dir.path}/allowlist.conf`;
    writeFileSync(path, 'net\n[');

    expect(() => requireAllowed([sysctl], path)).toThrow(`${path}:2: "[" is no regular expression`);
  });

  test('that cannot be read allows nothing', () => {
    using dir = temporaryDirectory();

    expect(() => requireAllowed([sysctl], dir.path)).toThrow(`reading ${dir.path}`);
  });
});
