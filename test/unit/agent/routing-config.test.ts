import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Fields } from '../../../lib/cni/fields.ts';
import { readPassword } from '../../../lib/routing/password.ts';
import { parseAgentRoutingConfig } from '../../../plugins/agent/routing-config.ts';
import { address } from '../../support/overlay-planes.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const parse = (routing: object) => parseAgentRoutingConfig(new Fields(routing, 'routing'));

test('an empty block leaves the routes to the agent', () => {
  expect(parse({})).toEqual({ mode: 'direct', resyncMs: 10_000 });
});

test('BIRD needs no more than to be named', () => {
  expect(parse({ mode: 'bird' })).toEqual({
    mode: 'bird',
    resyncMs: 10_000,
    asn: 64_512,
    password: undefined,
    holdTimeSeconds: 90,
    gracefulRestartSeconds: 120,
    reflector: undefined,
    peers: [],
    configFile: '/var/lib/fairlead/bird.conf',
    socket: '/run/bird/bird.ctl',
  });
});

test('every field is understood', () => {
  const routing = {
    mode: 'bird',
    resyncInterval: '30s',
    asn: 4_200_000_001,
    password: 'correct horse #1',
    holdTime: '9s',
    gracefulRestart: '90500ms',
    reflector: '10.0.0.1',
    peers: [
      { address: '192.0.2.254', asn: 64_513, name: 'tor-1', passwordFile: '/etc/fairlead/tor', multihop: 3 },
      { address: '2001:db8::fe', asn: 64_513 },
    ],
    configFile: '/etc/bird/fairlead.conf',
    socket: '/run/bird-2.ctl',
  };

  expect(parse(routing)).toEqual({
    mode: 'bird',
    resyncMs: 30_000,
    asn: 4_200_000_001,
    password: { kind: 'text', text: 'correct horse #1' },
    holdTimeSeconds: 9,
    gracefulRestartSeconds: 91,
    reflector: '10.0.0.1',
    peers: [
      {
        address: address('192.0.2.254'),
        asn: 64_513,
        name: 'tor-1',
        password: { kind: 'file', path: '/etc/fairlead/tor' },
        multihop: 3,
      },
      {
        address: address('2001:db8::fe'),
        asn: 64_513,
        name: undefined,
        password: undefined,
        multihop: undefined,
      },
    ],
    configFile: '/etc/bird/fairlead.conf',
    socket: '/run/bird-2.ctl',
  });
});

describe('is refused with the name of the field', () => {
  const peer = { address: '192.0.2.254', asn: 64_513 };

  test.each<[string, object]>([
    ['mode', { mode: 'ospf' }],
    ['mode', { asn: 64_512 }],
    ['mode', { mode: 'direct', peers: [] }],
    ['resyncInterval', { resyncInterval: '1ms' }],
    ['asn', { mode: 'bird', asn: 0 }],
    ['asn', { mode: 'bird', asn: 4_294_967_295 }],
    ['holdTime', { mode: 'bird', holdTime: '2s' }],
    ['holdTime', { mode: 'bird', holdTime: '20h' }],
    ['gracefulRestart', { mode: 'bird', gracefulRestart: '2h' }],
    ['reflector', { mode: 'bird', reflector: 'one' }],
    ['reflector', { mode: 'bird', reflector: '0.0.0.0' }],
    ['reflector', { mode: 'bird', reflector: '::ffff:10.0.0.1' }],
    ['configFile', { mode: 'bird', configFile: 'bird.conf' }],
    ['socket', { mode: 'bird', socket: '/run/../bird.ctl' }],
    ['peers', { mode: 'bird', peers: 'all' }],
    ['peers[0].address', { mode: 'bird', peers: [{ asn: 64_513 }] }],
    ['peers[0].address', { mode: 'bird', peers: [{ ...peer, address: 'tor.example' }] }],
    ['peers[0].address', { mode: 'bird', peers: [{ ...peer, address: 'fe80::1' }] }],
    ['peers[0].asn', { mode: 'bird', peers: [{ address: '192.0.2.254' }] }],
    ['peers[0].name', { mode: 'bird', peers: [{ ...peer, name: 'tor"; }' }] }],
    ['peers[0].multihop', { mode: 'bird', peers: [{ ...peer, multihop: 256 }] }],
    ['peers[0].port', { mode: 'bird', peers: [{ ...peer, port: 180 }] }],
    ['peers[1].address', { mode: 'bird', peers: [peer, peer] }],
    ['neighbours', { mode: 'bird', neighbours: [] }],
  ])('%s: %j', (field, routing) => {
    const name = field.replaceAll(/[.[\]]/g, '\\$&');

    expect(() => parse(routing)).toThrow(new RegExp(`routing\\.${name}: `));
  });
});

describe('a password', () => {
  test.each([
    'with "quotes',
    "with 'quotes",
    'back\\slash',
    'tab\there',
    'zu lang'.repeat(12),
    'müde',
    '',
    12_345,
  ])('%j is refused, and not shown', (password) => {
    const refused = () => parse({ mode: 'bird', password });

    expect(refused).toThrow(/^routing\.password: expected 1 to 80 printable ASCII/);
    if (password !== '') expect(refused).not.toThrow(`${password}`);
  });

  test('stands in the configuration or in a file, not in both', () => {
    expect(() => parse({ mode: 'bird', password: 'secret', passwordFile: '/etc/secret' })).toThrow(
      /routing\.password: expected either/,
    );
  });

  test('of a file is what the file holds, without a newline at its end', () => {
    using dir = temporaryDirectory();
    const path = `${dir.path}/secret`;
    writeFileSync(path, 'of the mesh\n');

    expect(readPassword({ kind: 'file', path })).toBe('of the mesh');
  });

  test.each(['', '\n', 'two\nlines', 'a "quote"'])(
    'in a file that holds %j is refused, and not shown',
    (text) => {
      using dir = temporaryDirectory();
      const path = `${dir.path}/secret`;
      writeFileSync(path, text);

      expect(() => readPassword({ kind: 'file', path })).toThrow(
        `${path}: expected 1 to 80 printable ASCII characters without quotes and backslashes`,
      );
    },
  );

  test('in a file that is not there is a failure that names it', () => {
    expect(() => readPassword({ kind: 'file', path: '/nowhere/secret' })).toThrow('/nowhere/secret');
  });
});
