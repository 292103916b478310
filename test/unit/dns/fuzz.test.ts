import { expect, test } from 'vitest';
import { isAnswerTo } from '../../../lib/dns/exchange.ts';
import { createFramer } from '../../../lib/dns/framing.ts';
import { type Asker, Responder } from '../../../lib/dns/responder.ts';
import { createStats } from '../../../lib/dns/stats.ts';
import { createZone } from '../../../lib/dns/zone-config.ts';
import { encodedName, queryPacket, readMessage } from '../../support/dns.ts';
import { Random } from '../../support/random.ts';
import { containerOwner, createViewFixture, instanceOf } from '../../support/registry.ts';

const count = process.env.SOAK === '1' ? 1_000_000 : 20_000;

/** Megabytes by which the process may have grown at the end, with all that is remembered of the packets. */
const mostGrowth = 300;

const names = [
  'web.default.svc.fairlead.internal',
  '_http._tcp.web.default.svc.fairlead.internal',
  'BIG.default.svc.fairlead.internal',
  'c1.net.fairlead.internal',
  'nobody.fairlead.internal',
  'fairlead.internal',
  '2.0.1.10.in-addr.arpa',
  `2.${'0.'.repeat(29)}d.f.ip6.arpa`,
  'example.com',
  '',
];
const types = [1, 2, 6, 12, 16, 28, 33, 41, 65, 251, 252, 255, 0, 65_535];
const octetsToTry = [0, 1, 12, 41, 63, 64, 0x80, 0xc0, 0xff];

function createFixture() {
  return createViewFixture([
    instanceOf({ portName: 'http', tags: ['a', 'x'.repeat(300)], meta: { key: 'v'.repeat(2_000) } }),
    instanceOf({ id: 'web-6', address: 'fd00::2' }),
    instanceOf({ id: 'c', address: '10.1.0.9', owner: containerOwner({ host: 'c1' }) }),
    ...Array.from({ length: 200 }, (_, index) =>
      instanceOf({ id: `big-${index}`, service: 'big', address: `10.3.0.${index}` }),
    ),
  ]);
}

function randomOctets(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)));
}

function validPacket(random: Random): Buffer {
  const edns = random.below(2) === 0 ? {} : { edns: random.pick([0, 512, 1232, 4096, 65_535]) };
  const options = random.below(4) === 0 ? { options: randomOctets(random, 40) } : {};
  const said = { type: random.pick(types), class: random.pick([1, 1, 1, 255, 3]), id: random.below(65_536) };
  return queryPacket(random.pick(names), { ...said, ...edns, ...options, dnssecOk: random.below(2) === 0 });
}

const mutations: readonly ((packet: Buffer, random: Random) => Buffer)[] = [
  (packet, random) => packet.fill(random.below(256), random.below(packet.length)).subarray(0),
  (packet, random) => packet.subarray(0, random.below(packet.length + 1)),
  (packet, random) => Buffer.concat([packet, randomOctets(random, 50)]),
  (packet, random) => {
    packet[random.below(packet.length)] = random.pick(octetsToTry);
    return packet;
  },
  (packet, random) => {
    packet.writeUInt16BE(random.pick([0, 1, 2, 255, 65_535]), random.pick([2, 4, 6, 8, 10]));
    return packet;
  },
  (packet, random) => {
    const at = 12 + random.below(Math.max(packet.length - 12, 1));
    const pointer = Buffer.of(0xc0 | random.below(2), random.below(256));
    return Buffer.concat([packet.subarray(0, at), pointer, packet.subarray(at)]);
  },
  (packet, random) => {
    const at = random.below(packet.length);
    return Buffer.concat([packet.subarray(0, at), packet.subarray(random.below(packet.length))]);
  },
  (packet, random) => {
    const record = [Buffer.of(0xc0, 12), randomOctets(random, 30)];
    packet.writeUInt16BE((packet.readUInt16BE(6) + 1) & 0xffff, 6);
    return Buffer.concat([packet, ...record, encodedName('x.y')]);
  },
];

function randomPacket(random: Random): Buffer {
  if (random.below(5) === 0) return randomOctets(random, 600);
  let packet = validPacket(random);
  for (let left = random.below(4); left > 0 && packet.length >= 12; left--) {
    packet = random.pick(mutations)(packet, random);
  }
  return packet;
}

function randomAsker(random: Random): Asker {
  const address = random.pick([
    '127.0.0.1',
    '10.1.0.9',
    '::1',
    `10.7.${random.below(256)}.${random.below(256)}`,
  ]);
  return { address, listener: '10.1.0.1', transport: random.pick(['udp', 'tcp']) };
}

type Sent = { readonly packet: Buffer; readonly asker: Asker };

/** A new packet, or one of the last again, under another id: its answer may be remembered. */
function nextPacket(random: Random, last: Sent[]): Sent {
  const again = random.below(3) === 0 ? random.pick(last) : undefined;
  const sent = again ?? { packet: randomPacket(random), asker: randomAsker(random) };
  if (again !== undefined && again.packet.length >= 2) again.packet.writeUInt16BE(random.below(65_536), 0);
  last[random.below(100)] = sent;
  return sent;
}

/** What must hold of every answer. */
function check(packet: Buffer, answer: Buffer, { transport }: Asker): void {
  const message = readMessage(answer);
  expect(message.flags & 0x8000).toBe(0x8000);
  expect(message.id).toBe(packet.readUInt16BE(0));
  expect(packet.readUInt16BE(2) & 0x8000).toBe(0);
  expect(answer.length).toBeLessThanOrEqual(transport === 'udp' ? 1232 : 65_535);
  const questionEnd = message.question === undefined ? 12 : 12 + encodedName(message.askedName).length + 4;
  expect(answer.compare(packet, 12, questionEnd, 12, questionEnd)).toBe(0);
}

/** A message but for the order of its records; of a truncated one how many they are, for those that fit vary. */
function unordered(answer: Buffer): object {
  const message = readMessage(answer);
  const answers = message.isTruncated ? message.answers.length : message.answers.toSorted();
  return { ...message, answers };
}

test(`${count} packets, bent and random, are answered by what can be read, or not at all`, {
  timeout: 3_600_000,
}, () => {
  const random = new Random();
  console.log(`seed ${random.seed}`);
  const { view, put } = createFixture();
  const stats = createStats();
  const base = { view, zone: createZone(), visibility: 'network', recursion: false, log: () => {} } as const;
  using responder = new Responder({ ...base, stats });
  const before = process.memoryUsage.rss();
  const last: Sent[] = [{ packet: queryPacket('fairlead.internal'), asker: randomAsker(random) }];
  let answers = 0;
  for (let index = 0; index < count; index++) {
    if (random.below(2_000) === 0) put(instanceOf({ address: `10.1.0.${random.below(256)}` }));
    const { packet, asker } = nextPacket(random, last);
    responder.refresh();
    const answer = responder.handle(packet, asker);
    if (answer === undefined) continue;
    if (!(answer instanceof Uint8Array)) throw new Error('there is no upstream, and yet one is to be asked');
    answers++;
    check(packet, answer, asker);
    if (random.below(10) > 0) continue;
    using forgetful = new Responder({ ...base, stats: createStats() });
    const anew = forgetful.handle(packet, asker);
    expect(unordered(answer)).toEqual(anew instanceof Uint8Array ? unordered(anew) : anew);
  }
  // So that this is known to have tried what it says: answers of all kinds, silence, and answers from memory.
  expect(answers).toBeGreaterThan(count / 4);
  for (const outcome of ['noError', 'formErr', 'nxDomain', 'notImp', 'refused'] as const) {
    expect(stats.outcomes[outcome]).toBeGreaterThan(count / 1_000);
  }
  expect(stats.malformed).toBeGreaterThan(count / 10);
  expect(stats.cacheHits).toBeGreaterThan(count / 100);
  expect((process.memoryUsage.rss() - before) / 1e6).toBeLessThan(mostGrowth);
});

test('a stream cut anywhere gives the same messages, and none beyond the longest', () => {
  const random = new Random();
  for (let round = 0; round < 500; round++) {
    const messages = Array.from({ length: random.below(6) }, () => randomOctets(random, 200));
    const stream = Buffer.concat(
      messages.flatMap((message) => [Buffer.of(message.length >> 8, message.length & 0xff), message]),
    );
    const framer = createFramer(200);
    const read: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const next = at + 1 + random.below(60);
      read.push(...framer(stream.subarray(at, next)));
      at = next;
    }
    expect(read).toEqual(messages);
  }
  expect(() => createFramer(200)(Buffer.of(0, 201))).toThrow(RangeError);
});

test('what an upstream sends is taken only as the answer to what it was asked', () => {
  const random = new Random();
  const query = queryPacket('example.com', { id: 7 });
  let taken = 0;
  for (let round = 0; round < 5_000; round++) {
    const message = Buffer.from(query);
    message.writeUInt16BE(0x8180, 2);
    const bent = random.below(10) === 0 ? message : random.pick(mutations)(message, random);
    if (!isAnswerTo(query, bent)) continue;
    taken++;
    expect(bent.readUInt16BE(0)).toBe(7);
    expect(bent.toString('latin1', 12, 29).toLowerCase()).toBe(query.toString('latin1', 12, 29));
  }
  expect(taken).toBeGreaterThan(400);
});
