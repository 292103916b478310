import { describe, expect, test } from 'vitest';
import type { RecordData, ResourceRecord } from '../../../lib/dns/record.ts';
import type { Scope } from '../../../lib/dns/scope.ts';
import { Rcode, RecordType } from '../../../lib/dns/wire.ts';
import { answerQuestion } from '../../../lib/dns/zone.ts';
import { createZone, type ZoneOptions } from '../../../lib/dns/zone-config.ts';
import type { Instance } from '../../../lib/registry/instance.ts';
import { containerOwner, createViewFixture, instanceOf } from '../../support/registry.ts';

type Said = {
  readonly type?: keyof typeof RecordType;
  readonly class?: number;
  readonly scope?: Scope;
  readonly listener?: string;
  readonly zone?: ZoneOptions;
};

/** What is answered of these instances, each record as text. */
function ask(instances: readonly Instance[], name: string, said: Said = {}) {
  const { type = 'A', scope = { kind: 'all' }, listener } = said;
  const question = { labels: name.split('.'), type: RecordType[type], class: said.class ?? 1 };
  const { view } = createViewFixture(instances);
  const zone = createZone(said.zone);
  const asking = { view, zone, scope, ...(listener === undefined ? {} : { listener }) };
  const answer = answerQuestion(question, asking);
  return {
    ...answer,
    rcode: Object.entries(Rcode).find(([, code]) => code === answer.rcode)?.[0],
    answers: answer.answers.map(({ data }) => textOf(data)),
    authority: answer.authority.map(withName),
    additional: answer.additional.map(withName),
    ttls: answer.answers.map(({ ttlSeconds }) => ttlSeconds),
  };
}

function withName({ name, data }: ResourceRecord): string {
  return `${name.join('.')} ${textOf(data)}`;
}

function textOf(data: RecordData): string {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return `${data.type} ${data.address}`;
    case 'NS':
    case 'PTR':
      return `${data.type} ${data.target.join('.')}`;
    case 'SRV':
      return `SRV ${data.priority} ${data.weight} ${data.port} ${data.target.join('.')}`;
    case 'TXT':
      return `TXT ${data.strings.join('|')}`;
    case 'SOA':
      return `SOA ${data.primary.join('.')} ${data.serial} ${data.minimum}`;
  }
}

const web = 'web.default.svc.fairlead.internal';
const one = instanceOf({ id: 'web-1', address: '10.1.0.2' });
const other = instanceOf({ id: 'web-2', address: '10.1.0.3' });
const v6 = instanceOf({ id: 'web-6', address: 'fd00::2' });
const critical = instanceOf({ id: 'web-9', address: '10.1.0.9', status: 'critical' });
const container = instanceOf({
  id: 'i-c1',
  address: '10.1.0.7',
  owner: containerOwner({ host: 'c1', network: 'net' }),
});
const noData = { rcode: 'noError', answers: [], isSoa: true };
const missing = { rcode: 'nxDomain', answers: [], isSoa: true };
const isSoa = (text: string | undefined) =>
  text?.startsWith('fairlead.internal SOA ns.fairlead.internal') === true;
const kindOf = ({ rcode, answers, authority }: ReturnType<typeof ask>) => ({
  rcode,
  answers,
  isSoa: isSoa(authority[0]),
});

describe('a service', () => {
  test('has the address of every healthy instance', () => {
    const { answers, authority, authoritative } = ask([one, other, v6, critical], web);
    expect(answers).toEqual(['A 10.1.0.2', 'A 10.1.0.3']);
    expect(authority).toEqual([]);
    expect(authoritative).toBe(true);
    expect(ask([one, v6], web, { type: 'AAAA' }).answers).toEqual(['AAAA fd00::2']);
  });

  test('has each address once, however many ports it offers there', () => {
    expect(ask([one, { ...one, id: 'web-1b', port: 443 }], web).answers).toEqual(['A 10.1.0.2']);
  });

  test.each(['critical', 'draining', 'maintenance'] as const)(
    'has nothing when all it has is %s',
    (status) => {
      expect(kindOf(ask([{ ...one, status }], web))).toEqual(noData);
      expect(kindOf(ask([{ ...one, status }], web, { type: 'SRV' }))).toEqual(noData);
    },
  );

  test('leaves instances of weight 0 out of its addresses while there are others', () => {
    const idle = { ...other, weight: 0 };
    expect(ask([one, idle], web).answers).toEqual(['A 10.1.0.2']);
    expect(ask([idle], web).answers).toEqual(['A 10.1.0.3']);
    expect(ask([{ ...one, status: 'critical' }, idle], web).answers).toEqual(['A 10.1.0.3']);
  });

  test('that has no IPv6 address exists all the same', () => {
    expect(kindOf(ask([one], web, { type: 'AAAA' }))).toEqual(noData);
  });

  test('that is not registered does not exist', () => {
    expect(kindOf(ask([one], 'db.default.svc.fairlead.internal'))).toEqual(missing);
    expect(kindOf(ask([one], 'web.other.svc.fairlead.internal'))).toEqual(missing);
    expect(kindOf(ask([one], `a.b.c.${web}`))).toEqual(missing);
  });

  test('has a SRV record for each healthy instance with a port, with its weight, and the addresses beside', () => {
    const heavy = { ...container, weight: 65_535, port: 8080 };
    const { answers, additional } = ask([one, heavy, critical, { ...other, port: 0 }], web, { type: 'SRV' });
    expect(answers).toEqual([
      'SRV 0 1 80 web-1.web.default.svc.fairlead.internal',
      'SRV 0 65535 8080 c1.net.fairlead.internal',
    ]);
    expect(additional).toEqual([
      'web-1.web.default.svc.fairlead.internal A 10.1.0.2',
      'c1.net.fairlead.internal A 10.1.0.7',
    ]);
  });

  test('of more than 100 instances has their SRV records without the addresses beside', () => {
    const crowd = Array.from({ length: 101 }, (_, index) =>
      instanceOf({ id: `w-${index}`, address: `10.1.1.${index}` }),
    );
    expect(ask(crowd.slice(1), web, { type: 'SRV' }).additional).toHaveLength(100);
    const { answers, additional } = ask(crowd, web, { type: 'SRV' });
    expect(answers).toHaveLength(101);
    expect(additional).toEqual([]);
  });

  test('has one SRV record for a container with an address of each family, and both addresses beside', () => {
    const dual = { ...container, id: 'i-c1-6', address: 'fd00::7', family: 6 as const };
    const { answers, additional } = ask([container, dual], web, { type: 'SRV' });
    expect(answers).toEqual(['SRV 0 1 80 c1.net.fairlead.internal']);
    expect(additional).toEqual([
      'c1.net.fairlead.internal A 10.1.0.7',
      'c1.net.fairlead.internal AAAA fd00::7',
    ]);
  });

  test('says tags, endpoint and metadata in TXT, the same once, and what says nothing not at all', () => {
    const told = { ...one, tags: ['blue', 'v2'], endpoint: '/api', meta: { version: '1.2', team: 'a' } };
    const expected = 'TXT tag=blue|tag=v2|endpoint=/api|version=1.2|team=a';
    expect(ask([told, { ...told, id: 'web-3', port: 81 }, other], web, { type: 'TXT' }).answers).toEqual([
      expected,
    ]);
    expect(kindOf(ask([other], web, { type: 'TXT' }))).toEqual(noData);
  });

  test('is answered to ANY with one set', () => {
    expect(ask([one, v6], web, { type: 'ANY' }).answers).toEqual(['A 10.1.0.2']);
    expect(ask([v6], web, { type: 'ANY' }).answers).toEqual(['AAAA fd00::2']);
  });
});

describe('a port of a service', () => {
  const http = { ...one, portName: 'http' };
  const metrics = { ...one, id: 'web-m', port: 9100, portName: 'metrics' };
  const udp = { ...one, id: 'web-u', port: 443, portName: 'http', transport: 'udp' as const };
  const instances = [http, metrics, udp];
  const targetOf = (id: string) => `${id}.${web}`;

  test.each([
    ['_http._tcp', [`SRV 0 1 80 ${targetOf('web-1')}`]],
    ['_80._tcp', [`SRV 0 1 80 ${targetOf('web-1')}`]],
    ['_metrics._tcp', [`SRV 0 1 9100 ${targetOf('web-m')}`]],
    ['_http._udp', [`SRV 0 1 443 ${targetOf('web-u')}`]],
  ])('%s is found by name and by number', (labels, expected) => {
    expect(ask(instances, `${labels}.${web}`, { type: 'SRV' }).answers).toEqual(expected);
  });

  test('has SRV records only', () => {
    expect(kindOf(ask(instances, `_http._tcp.${web}`))).toEqual(noData);
  });

  test('of unhealthy instances exists without data', () => {
    const name = `_http._tcp.${web}`;
    expect(kindOf(ask([{ ...http, status: 'critical' }], name, { type: 'SRV' }))).toEqual(noData);
  });

  test.each(['_ftp._tcp', '_http._sctp', '_._tcp', '_http._web', '_sctp', '_0._tcp'])(
    '%s does not exist',
    (labels) => {
      expect(
        kindOf(ask([...instances, { ...one, id: 'p0', port: 0 }], `${labels}.${web}`, { type: 'SRV' })),
      ).toEqual(missing);
    },
  );

  test('has a transport above it that exists without data', () => {
    expect(kindOf(ask(instances, `_tcp.${web}`, { type: 'SRV' }))).toEqual(noData);
    expect(kindOf(ask(instances, `_udp.${web}`))).toEqual(noData);
  });
});

describe('a part of a service', () => {
  const blue = { ...one, tags: ['Blue_Green'] };

  test('by tag has the healthy instances that bear it, the tag folded to a label', () => {
    const sick = { ...critical, tags: ['blue-green'] };
    expect(ask([blue, other, sick], `blue-green.${web}`).answers).toEqual(['A 10.1.0.2']);
    expect(kindOf(ask([other, sick], `blue-green.${web}`))).toEqual(noData);
  });

  test('by id or by the container is that instance, be it healthy or not', () => {
    expect(ask([one, other], `web-2.${web}`).answers).toEqual(['A 10.1.0.3']);
    expect(ask([one, container], `c1.${web}`).answers).toEqual(['A 10.1.0.7']);
    expect(ask([one, container], `i-c1.${web}`).answers).toEqual(['A 10.1.0.7']);
    expect(ask([one, critical], `web-9.${web}`).answers).toEqual(['A 10.1.0.9']);
    expect(ask([one, { ...other, weight: 0 }], `web-2.${web}`).answers).toEqual(['A 10.1.0.3']);
  });

  test('is never hidden by a tag of the same name', () => {
    const impostor = { ...other, tags: ['web-1', 'c1'] };
    expect(ask([one, impostor], `web-1.${web}`).answers).toEqual(['A 10.1.0.2']);
    expect(ask([container, impostor], `c1.${web}`).answers).toEqual(['A 10.1.0.7']);
  });

  test('that nobody is does not exist', () => {
    expect(kindOf(ask([blue], `green.${web}`))).toEqual(missing);
    expect(kindOf(ask([blue], `x.blue-green.${web}`))).toEqual(missing);
  });

  test('has the SRV record of its instances', () => {
    expect(ask([blue, other], `blue-green.${web}`, { type: 'SRV' }).answers).toEqual([
      `SRV 0 1 80 web-1.${web}`,
    ]);
  });
});

describe('a container', () => {
  const name = 'c1.net.fairlead.internal';

  test('has the addresses of all that it offers, each once', () => {
    const more = [
      { ...container, id: 'i-c1b', service: 'db', port: 5432 },
      { ...container, id: 'i-c1-6', address: 'fd00::7', family: 6 as const },
    ];
    expect(ask([container, ...more], name).answers).toEqual(['A 10.1.0.7']);
    expect(ask([container, ...more], name, { type: 'AAAA' }).answers).toEqual(['AAAA fd00::7']);
  });

  test('resolves while its health check fails', () => {
    expect(ask([{ ...container, status: 'critical' }], name).answers).toEqual(['A 10.1.0.7']);
  });

  test('has TXT, and no SRV', () => {
    expect(ask([{ ...container, tags: ['x'] }], name, { type: 'TXT' }).answers).toEqual(['TXT tag=x']);
    expect(kindOf(ask([container], name, { type: 'SRV' }))).toEqual(noData);
  });

  test('that is not there, or not on that network, does not exist', () => {
    expect(kindOf(ask([container], 'c2.net.fairlead.internal'))).toEqual(missing);
    expect(kindOf(ask([container], 'c1.other.fairlead.internal'))).toEqual(missing);
    expect(kindOf(ask([container], 'x.c1.net.fairlead.internal'))).toEqual(missing);
  });
});

describe('names on the way to others', () => {
  test.each(['svc', 'default.svc', 'net'])('%s exists without data', (labels) => {
    expect(kindOf(ask([container], `${labels}.fairlead.internal`))).toEqual(noData);
  });

  test.each(['other.svc', 'other', 'svc.svc', 'node', 'addr'])('%s does not exist', (labels) => {
    expect(kindOf(ask([container], `${labels}.fairlead.internal`))).toEqual(missing);
  });
});

describe('the zone itself', () => {
  test('has a SOA, whose serial is the revision, and a name server where it was asked', () => {
    const apex = 'fairlead.internal';
    expect(ask([one], apex, { type: 'SOA' }).answers).toEqual(['SOA ns.fairlead.internal 1 0']);
    const ns = ask([one], apex, { type: 'NS', listener: '10.1.0.1' });
    expect(ns.answers).toEqual(['NS ns.fairlead.internal']);
    expect(ns.additional).toEqual(['ns.fairlead.internal A 10.1.0.1']);
    expect(kindOf(ask([one], apex))).toEqual(noData);
  });

  test("gives its name server's address in the family that was asked at", () => {
    const ns = 'ns.fairlead.internal';
    expect(ask([], ns, { listener: '10.1.0.1' }).answers).toEqual(['A 10.1.0.1']);
    expect(ask([], ns, { type: 'AAAA', listener: 'fd00::1' }).answers).toEqual(['AAAA fd00::1']);
    expect(kindOf(ask([], ns, { type: 'AAAA', listener: '10.1.0.1' }))).toEqual(noData);
    expect(kindOf(ask([], ns))).toEqual(noData);
  });

  test('may have another name, with its own times to live', () => {
    const zone = { zone: 'Cluster.Example.', ttlSeconds: 5, negativeTtlSeconds: 1 };
    const found = ask([one], 'web.default.svc.cluster.example', { zone });
    expect(found).toMatchObject({ answers: ['A 10.1.0.2'], ttls: [5] });
    const { authority } = ask([one], 'x.cluster.example', { zone });
    expect(authority).toEqual(['cluster.example SOA ns.cluster.example 1 1']);
    expect(ask([one], web, { zone })).toMatchObject({ rcode: 'refused', forwardable: true });
  });

  test('answers live 1 s, and the absence of one 0 s, unless set', () => {
    expect(ask([one], web).ttls).toEqual([1]);
    expect(createZone()).toMatchObject({ ttlSeconds: 1, negativeTtlSeconds: 0 });
  });

  test.each([
    [{ zone: '' }, /zone: expected a domain/],
    [{ zone: 'a..b' }, /zone: expected a domain/],
    [{ zone: 'a_b' }, /zone: expected a domain/],
    [{ zone: `${'a'.repeat(26)}.${'b'.repeat(26)}` }, /at most 50 characters/],
    [{ ttlSeconds: 3601 }, /ttlSeconds: expected whole seconds from 0 to 3600, found 3601/],
    [{ negativeTtlSeconds: -1 }, /negativeTtlSeconds/],
    [{ ttlSeconds: 1.5 }, /ttlSeconds/],
  ])('%j is refused', (options, message) => {
    expect(() => createZone(options)).toThrow(message);
  });
});

describe('an address', () => {
  test("has one PTR record: its container's name, or else the first instance's", () => {
    const reverse = '7.0.1.10.in-addr.arpa';
    const service = instanceOf({ id: 'api', address: '10.1.0.7' });
    expect(ask([service, container], reverse, { type: 'PTR' }).answers).toEqual([
      'PTR c1.net.fairlead.internal',
    ]);
    expect(ask([service], reverse, { type: 'PTR' }).answers).toEqual([`PTR api.${web}`]);
  });

  test.each([
    ['a container', container],
    ['an unhealthy container', { ...container, status: 'critical' as const }],
    ['an instance over the API', one],
    ['an unhealthy instance over the API', critical],
  ])('of %s has a PTR record whose name leads back to it', (_, instance) => {
    const reverse = `${instance.address.split('.').reverse().join('.')}.in-addr.arpa`;
    const [ptr = ''] = ask([instance], reverse, { type: 'PTR' }).answers;
    expect(ask([instance], ptr.replace('PTR ', '')).answers).toEqual([`A ${instance.address}`]);
  });

  test('of IPv6 has one, too', () => {
    const reverse = `2.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`;
    const { answers, authoritative } = ask([v6], reverse, { type: 'PTR' });
    expect(answers).toEqual([`PTR web-6.${web}`]);
    expect(authoritative).toBe(true);
  });

  test('that is registered has no other records, and is ours to say so', () => {
    const answer = ask([one], '2.0.1.10.in-addr.arpa', { type: 'A' });
    expect(answer).toMatchObject({ rcode: 'noError', answers: [], forwardable: false });
    expect(answer.authority[0]).toMatch(/^2\.0\.1\.10\.in-addr\.arpa SOA/);
  });

  test.each([
    ['9.9.1.10.in-addr.arpa', 'nxDomain', '10.in-addr.arpa'],
    ['1.0.16.172.in-addr.arpa', 'nxDomain', '16.172.in-addr.arpa'],
    ['1.0.168.192.in-addr.arpa', 'nxDomain', '168.192.in-addr.arpa'],
    ['1.2.64.100.in-addr.arpa', 'nxDomain', '64.100.in-addr.arpa'],
    [`${'0.'.repeat(30)}d.f.ip6.arpa`, 'nxDomain', 'd.f.ip6.arpa'],
    [`${'0.'.repeat(29)}8.e.f.ip6.arpa`, 'nxDomain', '8.e.f.ip6.arpa'],
    ['1.10.in-addr.arpa', 'noError', '10.in-addr.arpa'],
    ['x.1.10.in-addr.arpa', 'nxDomain', '10.in-addr.arpa'],
    ['d.f.ip6.arpa', 'noError', 'd.f.ip6.arpa'],
  ])('%s, private and not registered, is for an upstream, or else %s', (name, rcode, soa) => {
    const answer = ask([one], name, { type: 'PTR' });
    expect(answer).toMatchObject({ rcode, answers: [], forwardable: true });
    expect(answer.authority[0]?.split(' ')[0]).toBe(soa);
  });

  test.each(['8.8.8.8.in-addr.arpa', '1.172.in-addr.arpa', '32.172.in-addr.arpa', '1.0.0.2.ip6.arpa'])(
    '%s, public, is for an upstream, or else refused',
    (name) => {
      expect(ask([one], name, { type: 'PTR' })).toMatchObject({ rcode: 'refused', forwardable: true });
    },
  );
});

describe('what is not ours', () => {
  test('is for an upstream, or else refused', () => {
    for (const name of ['example.com', 'internal', 'notfairlead.internal', 'arpa']) {
      expect(ask([one], name)).toMatchObject({ rcode: 'refused', forwardable: true, authoritative: false });
    }
  });

  test('in the own zone is never for an upstream', () => {
    expect(ask([one], 'x.y.z.fairlead.internal').forwardable).toBe(false);
  });

  test.each(['AXFR', 'IXFR'] as const)('%s is refused everywhere', (type) => {
    expect(ask([one], 'fairlead.internal', { type })).toMatchObject({ rcode: 'refused', forwardable: false });
    expect(ask([one], 'example.com', { type })).toMatchObject({ rcode: 'refused', forwardable: false });
  });

  test('in class CHAOS is refused, and class ANY is taken as IN', () => {
    expect(ask([one], web, { class: 3 })).toMatchObject({ rcode: 'refused', forwardable: false });
    expect(ask([one], web, { class: 255 }).answers).toEqual(['A 10.1.0.2']);
  });
});

describe('an asker that is on one network', () => {
  const scope: Scope = { kind: 'networks', labels: new Set(['net']) };
  const elsewhere = instanceOf({
    id: 'i-far',
    address: '10.2.0.7',
    tags: ['far'],
    portName: 'http',
    owner: containerOwner({ host: 'far', network: 'other' }),
  });

  test('sees the containers there and what was registered over the API', () => {
    expect(ask([one, container, elsewhere], web, { scope }).answers).toEqual(['A 10.1.0.2', 'A 10.1.0.7']);
    expect(ask([one, container, elsewhere], web, { scope, type: 'SRV' }).answers).toHaveLength(2);
  });

  test.each([
    'far.other.fairlead.internal',
    'other.fairlead.internal',
    `far.${web}`,
    `i-far.${web}`,
    `_http._tcp.${web}`,
    '7.0.2.10.in-addr.arpa',
  ])('does not see that %s exists', (name) => {
    expect(ask([one, container, elsewhere], name, { scope })).toMatchObject({ rcode: 'nxDomain' });
    expect(ask([one, container, elsewhere], name)).toMatchObject({ rcode: 'noError' });
  });

  test('does not see a service whose instances are all elsewhere', () => {
    expect(kindOf(ask([elsewhere], web, { scope }))).toEqual(missing);
  });
});
