import { describe, expect, test } from 'vitest';
import { Fields } from '../../../lib/cni/fields.ts';
import { parseNetConf, parseValidAttachments } from '../../../lib/cni/netconf.ts';

describe('fields', () => {
  test('are found whatever their case, the exact name first', () => {
    const fields = new Fields({ HostPort: 80, MTU: 1400, mtu: 1500 }, '');
    expect(fields.raw('hostPort')).toBe(80);
    expect(fields.integer('mtu', { min: 0, max: 9000 })).toBe(1500);
  });

  test('that are null count as absent', () => {
    expect(new Fields({ bridge: null }, '').string('bridge')).toBeUndefined();
  });

  test.each([
    [
      () => new Fields({ mtu: '1500' }, '').integer('mtu', { min: 0, max: 9000 }),
      /^mtu: expected a whole number from 0 to 9000, found "1500"/,
    ],
    [() => new Fields({ mtu: 1.5 }, '').integer('mtu', { min: 0, max: 9000 }), /^mtu:/],
    [() => new Fields({ on: 'yes' }, 'a').boolean('on'), /^a\.on: expected true or false, found "yes"/],
    [() => new Fields({ list: {} }, '').strings('list'), /^list: expected a list/],
    [() => new Fields({ list: ['a', 1] }, 'x').strings('list'), /^x\.list\[1\]: expected a string, found 1/],
    [() => new Fields({ o: [] }, '').object('o'), /^o: expected an object, found \[\]/],
  ])('of the wrong type are named with what was expected', (read, message) => {
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code: 7 }));
  });

  test('a long value is shown in short', () => {
    expect(() => new Fields({ s: ['x'.repeat(1000)] }, '').string('s')).toThrow(/^.{0,160}$/);
  });
});

describe('valid attachments of a GC', () => {
  const conf = (attachments: object) => parseNetConf({ cniVersion: '1.1.0', name: 'n', ...attachments });
  const key = 'cni.dev/valid-attachments';

  test('that are not stated are not taken for none', () => {
    expect(parseValidAttachments(conf({}))).toBeUndefined();
  });

  test('may be an empty list, or Go’s null', () => {
    expect(parseValidAttachments(conf({ [key]: [] }))).toEqual([]);
    expect(parseValidAttachments(conf({ [key]: null }))).toEqual([]);
  });

  test('are read', () => {
    const list = [{ containerID: 'c1', ifname: 'eth0' }];
    expect(parseValidAttachments(conf({ [key]: list }))).toEqual([{ containerId: 'c1', ifName: 'eth0' }]);
  });

  test.each([[{ ifname: 'eth0' }], [{ containerID: 'c1' }], ['c1']])(
    'that are incomplete are refused',
    (entry) => {
      expect(() => parseValidAttachments(conf({ [key]: [entry] }))).toThrow(
        expect.objectContaining({ code: 7 }),
      );
    },
  );
});
