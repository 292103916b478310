import { expect, test } from 'vitest';
import { CniError } from '../../../lib/errors/cni-error.ts';
import { parseAddress } from '../../../lib/net/address.ts';
import { parseSavedTable } from '../../../lib/takeover/iptables.ts';
import { findLegacyTables, releaseFromLegacy } from '../../../lib/takeover/release-legacy.ts';
import { tablesOf, tracesOf } from '../../../lib/takeover/trace.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

const own = 'CNI-e2aab0f879e4967ced698891';
const names = { network: 'net', containerId: 'fl-d7r-c', ifName: 'eth0' };
const jump = (address: string, comment = '"name: \\"net\\" id: \\"fl-d7r-c\\""') =>
  `-A POSTROUTING -s ${address}/32 -m comment --comment ${comment} -j ${own}`;

const save = (...rules: readonly string[]) =>
  ['# Generated', '*nat', ':POSTROUTING ACCEPT [0:0]', `:${own} - [0:0]`, ...rules, 'COMMIT', ''].join('\n');

const addressesOf = (...texts: readonly string[]) => texts.flatMap((text) => parseAddress(text) ?? []);

/** What is given to iptables-restore for the usual container. */
function restored(saved: string, ...addresses: readonly string[]): readonly string[] {
  const machine = scriptMachine({
    answer: ({ file }) => (file.endsWith('save') ? { stdout: saved } : undefined),
  });
  const nat = tablesOf('masquerade').filter(({ family, table }) => family === 'ip' && table === 'nat');
  const traces = tracesOf(['masquerade'], { ...names, addresses: addressesOf(...addresses) }, nat);
  releaseFromLegacy(traces, machine);
  return machine.log;
}

test('rules that lead to the chain go, and then the chain, in one transaction', () => {
  const other = '-A POSTROUTING -s 10.88.0.3/32 -j CNI-2ae36a49d1bca035acb72e2e';
  expect(restored(save(jump('10.88.0.2'), other), '10.88.0.2')).toEqual([
    'host: iptables-legacy-save -t nat',
    [
      'host: iptables-legacy-restore --noflush --wait=5',
      '*nat',
      jump('10.88.0.2').replace('-A', '-D'),
      `-F ${own}`,
      `-X ${own}`,
      'COMMIT',
    ].join('\n'),
  ]);
});

test('the chain stays while an interface with another address leads to it', () => {
  const [, script] = restored(save(jump('10.88.0.2'), jump('10.88.0.9')), '10.88.0.2');
  expect(script?.split('\n').slice(1)).toEqual(['*nat', jump('10.88.0.2').replace('-A', '-D'), 'COMMIT']);
});

test('without addresses, and for a whole network as source, every rule that leads to the chain goes', () => {
  const network = jump('10.88.0.2').replace('10.88.0.2/32', '10.88.0.0/16');
  const [, script] = restored(save(jump('10.88.0.2'), jump('10.88.0.9'), network));
  expect(script?.match(/^-D POSTROUTING /gm)).toHaveLength(3);
  expect(restored(save(network), '10.88.0.2')).toHaveLength(2);
});

test('nothing is written where the chain is absent', () => {
  expect(restored(save().replace(`:${own} - [0:0]\n`, ''))).toEqual(['host: iptables-legacy-save -t nat']);
});

test.each([
  ['a line break', '"a\nCOMMIT"'],
  ['an open quotation mark', '"a'],
  ['a control character', '"a\u0007"'],
  ['a backslash that hides another', '"a\\x"'],
  ['a command of a shell', '$(reboot)'],
  ['two blanks', '"a"  '],
])('a rule whose comment has %s is not handed on', (_, comment) => {
  const [rule] = parseSavedTable(save(jump('10.88.0.2', comment))).rules;
  expect(rule?.deletion).toBeUndefined();
});

test('a rule that cannot be handed on is named, and nothing is written', () => {
  expect(() => restored(save(jump('10.88.0.2', '"a\u0007"')), '10.88.0.2')).toThrow(
    'a rule of chain POSTROUTING has a text that cannot be handed on; delete it by hand',
  );
});

test('addresses that are negated, or those of a network, are no one’s', () => {
  const { rules } = parseSavedTable(
    save('-A X ! -s 10.0.0.1/32 -d 10.0.0.0/8 -j ACCEPT', '-A X -d ::1/128 -g Y'),
  );
  expect(rules).toMatchObject([
    { chain: 'X', target: 'ACCEPT', source: undefined, destination: undefined },
    { chain: 'X', target: 'Y', destination: { family: 6, bits: 1n } },
  ]);
});

test('tables are asked of /proc', () => {
  const tables = [...tablesOf('masquerade'), ...tablesOf('firewall')];
  const machine = scriptMachine({
    proc: { '/proc/net/ip_tables_names': 'nat\nmangle', '/proc/net/ip6_tables_names': 'filter' },
  });
  expect(findLegacyTables(tables, machine)).toEqual([
    { family: 'ip', table: 'nat' },
    { family: 'ip6', table: 'filter' },
  ]);
  expect(findLegacyTables(tables, scriptMachine())).toEqual([]);
});

test('where iptables has one name alone it is used, and where it is absent nothing happens', () => {
  const traces = tracesOf(['firewall'], { ...names, addresses: [] }, [{ family: 'ip6', table: 'filter' }]);
  const without = (...absent: readonly string[]) =>
    scriptMachine({ answer: ({ file }) => (absent.includes(file) ? { status: undefined } : undefined) });
  const old = without('ip6tables-legacy-save');
  releaseFromLegacy(traces, old);
  expect(old.log).toEqual(['host: ip6tables-legacy-save -t filter', 'host: ip6tables-save -t filter']);
  expect(() => releaseFromLegacy(traces, without('ip6tables-legacy-save', 'ip6tables-save'))).not.toThrow();
});

test('an iptables that fails is told of', () => {
  const traces = tracesOf(['firewall'], { ...names, addresses: [] }, [{ family: 'ip', table: 'filter' }]);
  const machine = scriptMachine({ answer: () => ({ status: 4, stderr: 'Another app holds the lock' }) });
  expect(() => releaseFromLegacy(traces, machine)).toThrow(CniError);
});
