import { describe, expect, test } from 'vitest';
import { Frames, toFrame } from '../../../lib/zookeeper/frames.ts';
import { readGreeting, writeHello } from '../../../lib/zookeeper/handshake.ts';
import { JuteError, JuteReader } from '../../../lib/zookeeper/jute-reader.ts';
import { JuteWriter } from '../../../lib/zookeeper/jute-writer.ts';
import { getChildrenOf, getDataOf, multiOf, openAcl } from '../../../lib/zookeeper/operation.ts';
import { readReply } from '../../../lib/zookeeper/reply.ts';
import { ZooKeeperError } from '../../../lib/zookeeper/zookeeper-error.ts';
import { Random } from '../../support/random.ts';

describe('jute', () => {
  test('what is written is read again', () => {
    const writer = new JuteWriter()
      .int(-7)
      .long(-(2n ** 62n))
      .bool(true)
      .text('zoö')
      .buffer(Buffer.of(1, 2));
    const bytes = writer.list(['a', ''], (item) => writer.text(item)).bytes();
    const reader = new JuteReader(bytes);

    const read = [reader.int(), reader.long(), reader.bool(), reader.text(), [...reader.buffer()]];
    const list = reader.list(() => reader.text());

    expect([read, list, reader.left]).toEqual([[-7, -(2n ** 62n), true, 'zoö', [1, 2]], ['a', ''], 0]);
  });

  test('the null of Java is empty', () => {
    const null_ = new JuteWriter().int(-1).bytes();

    expect(new JuteReader(null_).buffer()).toHaveLength(0);
    expect(new JuteReader(null_).list(() => 0)).toEqual([]);
  });

  test.each([
    ['a number that is cut off', Buffer.of(0, 0, 0), (reader: JuteReader) => reader.int()],
    ['a text longer than the rest', new JuteWriter().int(5).raw(Buffer.from('four')).bytes(), readText],
    ['a text of negative length', new JuteWriter().int(-2).bytes(), readText],
    ['a list of more items than there are bytes', new JuteWriter().int(0x7fff_ffff).bytes(), readList],
    ['a list of negative length', new JuteWriter().int(-5).bytes(), readList],
  ])('%s is refused', (_, bytes, read) => {
    expect(() => read(new JuteReader(bytes))).toThrow(JuteError);
  });
});

describe('frames', () => {
  test('are found again wherever they are cut', () => {
    const sent = ['one', '', 'three'].map((text) => Buffer.from(text));
    const bytes = Buffer.concat(sent.map(toFrame));

    for (let size = 1; size <= bytes.length; size++) {
      const frames = new Frames();
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      expect(pieces.flatMap((piece) => frames.push(piece)).map(String)).toEqual(['one', '', 'three']);
    }
  });

  test.each([[-1], [0x7fff_ffff]])('of %i bytes are refused before they have come', (length) => {
    expect(() => new Frames().push(new JuteWriter().int(length).bytes())).toThrow(JuteError);
  });
});

describe('what a server says', () => {
  test('a greeting holds the session and its timeout; without one the session has expired', () => {
    const greeting = (timeout: number, id: bigint) =>
      readGreeting(new JuteWriter().int(0).int(timeout).long(id).buffer(Buffer.alloc(16, 7)).bytes());

    expect(greeting(4000, 5n)).toEqual({
      kind: 'session',
      identity: { id: 5n, password: Buffer.alloc(16, 7) },
      timeoutMs: 4000,
    });
    expect([greeting(0, 5n), greeting(4000, 0n)]).toEqual([{ kind: 'expired' }, { kind: 'expired' }]);
  });

  test('an event names what has happened to which node', () => {
    const event = new JuteWriter().int(-1).long(-1n).int(0).int(4).int(3).text('/a').bytes();

    expect(readReply(event)).toEqual({ kind: 'event', change: 'children', path: '/a' });
  });

  test('the error of a step is that of the one that was refused, with its path', () => {
    const reply = new JuteWriter();
    for (const code of [0, -110, -2]) reply.int(-1).bool(false).int(code).int(code);
    reply.int(-1).bool(true).int(-1);
    const { read } = multiOf(['/a', '/b', '/c'].map(creation));

    const refused = () => read(new JuteReader(reply.bytes()));

    expect(refused).toThrow(ZooKeeperError);
    expect(refused).toThrow('create /b: NODEEXISTS: there is such a node already');
  });
});

test('random bytes are read, or refused as what they are', () => {
  const random = new Random();
  const seeds = [
    writeHello({ identity: undefined, lastZxid: 0n, timeoutMs: 1 }),
    new JuteWriter().int(1).long(1n).int(0).int(2).text('a').text('b').bytes(),
    new JuteWriter().int(-1).long(-1n).int(0).int(1).int(3).text('/a').bytes(),
  ];
  const steps = multiOf(['/a', '/b'].map(creation));
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(random.pick(seeds));
    for (let flips = 1 + random.below(6); flips > 0; flips--)
      bytes[random.below(bytes.length)] = random.below(256);
    const cut = bytes.subarray(0, random.below(bytes.length + 1));
    expectReadOrRefused(() => readGreeting(cut));
    expectReadOrRefused(() => {
      const reply = readReply(cut);
      if (reply.kind === 'answer') getChildrenOf('/a', false).read(reply.body);
    });
    for (const { read } of [getDataOf('/a', false), steps])
      expectReadOrRefused(() => read(new JuteReader(cut)));
    expectReadOrRefused(() => new Frames().push(cut));
  }
});

function expectReadOrRefused(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof JuteError) && !(error instanceof ZooKeeperError)) throw error;
  }
}

function creation(path: string) {
  const node = { path, data: Buffer.alloc(0), mode: 'ephemeral', acl: openAcl } as const;
  return { kind: 'create', node } as const;
}

function readText(reader: JuteReader) {
  return reader.text();
}

function readList(reader: JuteReader) {
  return reader.list(() => reader.int());
}
