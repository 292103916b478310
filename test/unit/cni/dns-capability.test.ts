import { expect, test } from 'vitest';
import { toCall } from '../../support/calls.ts';

const stated = { nameservers: ['192.0.2.53'], domain: 'a.test', search: ['b.test'], options: ['ndots:2'] };
const dnsOf = (given: unknown, dns: object | undefined = stated) =>
  toCall({ dns, runtimeConfig: { dns: given } }).conf.dns;

test('without the capability, DNS is what the configuration says', () => {
  expect([dnsOf(undefined), dnsOf(null), dnsOf({})]).toEqual([stated, stated, stated]);
  expect(toCall({ dns: stated, runtimeConfig: null }).conf.dns).toEqual(stated);
  expect(toCall({}).conf.dns).toEqual({});
});

test.each<[string, object]>([
  ['the conventions', { servers: ['198.51.100.1'], searches: ['c.test'], options: ['ndots:5'] }],
  ['containerd', { Servers: ['198.51.100.1'], Searches: ['c.test'], Options: ['ndots:5'] }],
  ["a configuration's own dns", { nameservers: ['198.51.100.1'], search: ['c.test'], options: ['ndots:5'] }],
])('what the runtime says in the words of %s stands instead', (_, given) => {
  const said = { nameservers: ['198.51.100.1'], search: ['c.test'], options: ['ndots:5'] };

  expect(dnsOf(given)).toEqual({ ...said, domain: 'a.test' });
  expect(dnsOf(given, {})).toEqual(said);
});

test('what it says nothing of, or an empty list, stays as the configuration has it', () => {
  const given = { servers: ['198.51.100.1'], searches: [], options: null };

  expect(dnsOf(given)).toEqual({ ...stated, nameservers: ['198.51.100.1'] });
});

test('a domain is taken, too', () => {
  expect(dnsOf({ domain: 'd.test' })).toEqual({ ...stated, domain: 'd.test' });
});

test.each<[unknown, string]>([
  [['198.51.100.1'], 'runtimeConfig.dns'],
  [{ servers: '198.51.100.1' }, 'runtimeConfig.dns.servers'],
  [{ searches: [7] }, 'runtimeConfig.dns.searches[0]'],
  [{ options: 'ndots:5' }, 'runtimeConfig.dns.options'],
])('what is of another shape (%j) is refused with its path', (given, path) => {
  expect(() => dnsOf(given)).toThrow(path);
});
