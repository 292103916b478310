import { describe, expect, test } from 'vitest';
import { nameOctets, readName } from '../../../lib/dns/name.ts';
import { parseQuery, toPlainQuery, udpLimitOf } from '../../../lib/dns/query.ts';
import { Rcode } from '../../../lib/dns/wire.ts';
import { encodedName, queryPacket, words } from '../../support/dns.ts';

const formErr = { kind: 'problem', rcode: Rcode.formErr };

function mustParse(packet: Buffer) {
  const query = parseQuery(packet);
  if (query?.kind !== 'query') throw new Error('this is a query, and was not taken for one');
  return query;
}

/** The packet with one word of its header changed. */
function withWord(packet: Buffer, offset: number, value: number): Buffer {
  const changed = Buffer.from(packet);
  changed.writeUInt16BE(value, offset);
  return changed;
}

describe('a query', () => {
  test('is its question, the name in lower case', () => {
    const { question, edns } = mustParse(queryPacket('Web.Default.SVC.example', { type: 'SRV' }));
    expect(question).toEqual({ labels: ['web', 'default', 'svc', 'example'], type: 33, class: 1 });
    expect(edns).toBeUndefined();
  });

  test('for the root has no labels', () => {
    expect(mustParse(queryPacket('')).question.labels).toEqual([]);
  });

  test('says in an OPT record what its asker takes', () => {
    const options = Buffer.concat([words(10, 8), Buffer.alloc(8), words(8, 4, 1, 0)]);
    const { edns } = mustParse(queryPacket('a.b', { edns: 4096, dnssecOk: true, version: 1, options }));
    expect(edns).toEqual({ udpLimit: 4096, version: 1, dnssecOk: true });
  });

  test.each([
    [undefined, 512],
    [0, 512],
    [511, 512],
    [800, 800],
    [1232, 1232],
    [65_535, 1232],
  ])('whose asker takes %s octets is answered with %i over UDP', (edns, limit) => {
    expect(udpLimitOf(mustParse(queryPacket('a.b', edns === undefined ? {} : { edns })))).toBe(limit);
  });

  test('with capitals and options has a plain form, which is its own where it has neither', () => {
    const cookie = words(10, 8, 1, 2, 3, 4);
    const bent = mustParse(
      queryPacket('wEb.eXample', { type: 65, edns: 1232, dnssecOk: true, options: cookie }),
    );
    const plain = mustParse(queryPacket('web.example', { type: 65, edns: 1232, dnssecOk: true }));
    expect(toPlainQuery(bent)?.packet).toEqual(plain.packet);
    expect(toPlainQuery(plain)).toBe(plain);
    expect(bent.packet.includes('wEb')).toBe(true);
    const without = mustParse(queryPacket('web.example'));
    expect(toPlainQuery(without)).toBe(without);
  });

  test('that brings other records than OPT, or names the root by a pointer, has no plain form', () => {
    const [question, opt] = [queryPacket('a'), queryPacket('', { edns: 1232 }).subarray(17)];
    const other = Buffer.concat([encodedName('x'), words(1, 1, 0, 0, 0)]);
    const pointed = Buffer.concat([Buffer.of(0xc0, 14), opt.subarray(1)]);
    const packets = [
      withWord(Buffer.concat([question, other]), 6, 1),
      withWord(Buffer.concat([question, other]), 10, 1),
      withWord(Buffer.concat([question, opt, other]), 10, 2),
      withWord(Buffer.concat([question, pointed]), 10, 1),
    ];
    for (const packet of packets) expect(toPlainQuery(mustParse(packet))).toBeUndefined();
  });
});

describe('a packet', () => {
  const query = queryPacket('web.example');

  test('that is shorter than a header gets no answer', () => {
    for (let length = 0; length < 12; length++) expect(parseQuery(query.subarray(0, length))).toBeUndefined();
  });

  test('that is a response gets no answer, not even one that says so', () => {
    expect(parseQuery(withWord(query, 2, 0x8100))).toBeUndefined();
    expect(parseQuery(withWord(query, 2, 0xf800))).toBeUndefined();
  });

  test.each([1, 2, 4, 5, 6, 15])('of opcode %i is not implemented', (opcode) => {
    expect(parseQuery(withWord(query, 2, opcode << 11))).toEqual({ kind: 'problem', rcode: Rcode.notImp });
  });

  test.each([0, 2, 65_535])('with %i questions is malformed', (count) => {
    expect(parseQuery(withWord(query, 4, count))).toEqual(formErr);
  });

  test.each([6, 8, 10])('that promises more records than there are is malformed (offset %i)', (offset) => {
    expect(parseQuery(withWord(query, offset, 1))).toEqual(formErr);
    expect(parseQuery(withWord(query, offset, 65_535))).toEqual(formErr);
  });

  test('that is cut anywhere after the header is malformed', () => {
    const whole = queryPacket('web.example', { edns: 1232, options: words(10, 2, 0) });
    for (let length = 12; length < whole.length; length++) {
      expect(parseQuery(whole.subarray(0, length))).toEqual(formErr);
    }
  });

  test('with octets after its end is malformed', () => {
    expect(parseQuery(Buffer.concat([query, Buffer.of(0)]))).toEqual(formErr);
  });

  test('with two OPT records, or one that is not of the root, is malformed', () => {
    const opt = queryPacket('', { edns: 1232 }).subarray(17);
    const named = Buffer.concat([encodedName('x'), opt.subarray(1)]);
    expect(parseQuery(withWord(Buffer.concat([query, opt]), 10, 1))).toMatchObject({ kind: 'query' });
    expect(parseQuery(withWord(Buffer.concat([query, opt, opt]), 10, 2))).toEqual(formErr);
    expect(parseQuery(withWord(Buffer.concat([query, named]), 10, 1))).toEqual(formErr);
  });

  test('of more octets than any query needs is malformed', () => {
    const options = Buffer.concat([words(12, 4070), Buffer.alloc(4070)]);
    expect(parseQuery(queryPacket('a', { edns: 1232, options }))).toEqual(formErr);
    expect(parseQuery(queryPacket('a', { edns: 1232, options: options.subarray(0, 3000) }))).toMatchObject({
      kind: 'query',
    });
  });
});

describe('a name', () => {
  /** A name that begins at offset 12, with these octets from there on. */
  const at12 = (...octets: readonly number[]) => readName(Buffer.from([...Buffer.alloc(12), ...octets]), 12);
  const label = (length: number) => 'a'.repeat(length);

  test('may have labels of 63 octets and 255 octets in all, and no more', () => {
    const longest = [label(63), label(63), label(63), label(61)].join('.');
    expect(readName(encodedName(longest), 0)?.end).toBe(255);
    expect(readName(encodedName(`${longest}a`), 0)).toBeUndefined();
    expect(readName(encodedName(`a.${longest}`), 0)).toBeUndefined();
    expect(at12(64, ...Buffer.alloc(64, 'a'), 0)).toBeUndefined();
    expect(at12(0x80, 0)).toBeUndefined();
  });

  test('may end with a pointer to an earlier one', () => {
    const packet = Buffer.concat([Buffer.alloc(12), encodedName('b.c'), Buffer.of(1, 0x41, 0xc0, 12, 0xff)]);
    expect(readName(packet, 17)).toEqual({ labels: ['a', 'b', 'c'], end: 21 });
  });

  test('is none with a pointer to itself, forward, into the header, or cut off', () => {
    expect(at12(0xc0, 12)).toBeUndefined();
    expect(at12(1, 0x61, 0xc0, 12)).toBeUndefined();
    expect(at12(1, 0x61, 0xc0, 14)).toBeUndefined();
    expect(at12(0xc0, 15, 0, 0)).toBeUndefined();
    expect(at12(0xc0, 0)).toBeUndefined();
    expect(at12(1, 0x61, 0xc0)).toBeUndefined();
    expect(at12(1)).toBeUndefined();
    expect(readName(Buffer.alloc(12), 12)).toBeUndefined();
  });

  test('is none where pointers lead to each other', () => {
    const packet = Buffer.from([...Buffer.alloc(12), 0xc0, 14, 0xc0, 12]);
    expect(readName(packet, 14)).toBeUndefined();
    expect(readName(packet, 12)).toBeUndefined();
  });

  test('is none that a chain of pointers makes longer than names are', () => {
    const piece = [40, ...Buffer.alloc(40, 'a')];
    const pieces = [...Buffer.alloc(12), ...piece, 0];
    for (let start = 12; pieces.length < 500; start = pieces.length - 43) pieces.push(...piece, 0xc0, start);
    expect(readName(Buffer.from(pieces), pieces.length - 43)).toBeUndefined();
  });

  test('is none where thousands of pointers lead to a root', () => {
    const chain = [...Buffer.alloc(12), 0];
    for (let target = 12; chain.length < 4000; target = chain.length - 2) {
      chain.push(0xc0 | (target >> 8), target & 0xff);
    }
    const packet = Buffer.from(chain);
    expect(readName(packet, 13 + 2 * 100)?.labels).toEqual([]);
    expect(readName(packet, packet.length - 2)).toBeUndefined();
  });

  test('is written so that it is read again, compressed against the question where they end alike', () => {
    const question = ['web', 'default', 'svc', 'fairlead', 'internal'];
    const header = Buffer.alloc(12);
    const asked = encodedName(question.join('.'));
    for (const name of [question, ['a', 'svc', 'fairlead', 'internal'], ['a', ...question], ['b'], []]) {
      const packet = Buffer.concat([header, asked, nameOctets(name, question)]);
      expect(readName(packet, header.length + asked.length)).toEqual({ labels: name, end: packet.length });
    }
    expect(nameOctets(question, question)).toEqual(Buffer.of(0xc0, 12));
    expect(nameOctets(['x', 'internal'], question).length).toBe(4);
    expect(nameOctets(['x', 'internal']).length).toBe(12);
  });
});
