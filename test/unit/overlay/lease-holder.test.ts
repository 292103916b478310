import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Log } from '../../../lib/log/log.ts';
import type { Mac } from '../../../lib/net/mac.ts';
import { vtepMac } from '../../../lib/overlay/kernel/mtu.ts';
import { LeaseHolder, type LeaseHolderOptions } from '../../../lib/overlay/lease/holder.ts';
import { subnetsOf, subnetsOverlap } from '../../../lib/overlay/lease/overlap.ts';
import type { Self } from '../../../lib/overlay/lease/owner.ts';
import { tableOf } from '../../../lib/overlay/lease/table.ts';
import { parseLease } from '../../../lib/overlay/lease/text.ts';
import { cidr, publicAddress } from '../../support/overlay-planes.ts';
import { Random } from '../../support/random.ts';
import { MemoryEtcd, type Mishap } from './memory-etcd.ts';

const prefix = '/coreos.com/network';
const daySeconds = 86_400;
const now = () => Date.now() / 1_000;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000);

/** Fifteen subnets: 10.5.1.0/24 to 10.5.15.0/24. */
const singleStack = { Network: '10.5.0.0/20', Backend: { Type: 'vxlan' } };
const dualStack = { ...singleStack, EnableIPv6: true, IPv6Network: 'fd00:5::/48' };

function createEtcd(config: object | undefined = singleStack): MemoryEtcd {
  const etcd = new MemoryEtcd(now);
  if (config !== undefined) etcd.put(`${prefix}/config`, JSON.stringify(config));
  return etcd;
}

const selfOf = (host: number, { isDual = false } = {}): Self => {
  const part = (family: 4 | 6) => {
    const own = publicAddress(host, family);
    return { publicAddress: own, vni: 1, vtepMac: vtepMac(1, own) };
  };
  return isDual ? { 4: part(4), 6: part(6) } : { 4: part(4) };
};

type HostOptions = Partial<LeaseHolderOptions> & { readonly self?: Self; readonly ended?: AbortController };

/** A host whose holder runs from here on. */
class Host implements Disposable {
  readonly holder: LeaseHolder;
  readonly log: string[] = [];
  readonly told: string[] = [];
  readonly #etcd: MemoryEtcd;
  readonly #ended: AbortController;

  constructor(etcd: MemoryEtcd, number: number, options: HostOptions = {}) {
    const { self = selfOf(number), ended = new AbortController(), ...others } = options;
    const say =
      (level: keyof Log): Log[keyof Log] =>
      (message) => {
        this.log.push(`${level}: ${message}`);
      };
    this.#etcd = etcd;
    this.#ended = ended;
    this.holder = new LeaseHolder({
      etcd,
      prefix,
      ttlSeconds: daySeconds,
      node: `node-${number}`,
      previous: {},
      log: { info: say('info'), warn: say('warn'), error: say('error') },
      nowSeconds: now,
      onChange: () => this.told.push(this.shown),
      ...others,
    });
    this.holder.setSelf(self);
    void this.holder.run(ended.signal);
  }

  /** The state in a few words. */
  get shown(): string {
    const { state } = this.holder;
    return state.kind === 'held' ? `held ${state.lease.name}` : state.kind;
  }

  /** The name of the lease that is held. */
  get name(): string {
    const { state } = this.holder;
    if (state.kind !== 'held') throw new Error(`holds nothing: ${JSON.stringify(state)}`);
    return state.lease.name;
  }

  get key(): string {
    return `${prefix}/subnets/${this.name}`;
  }

  /** Tells what is in etcd at the moment, as the follower does. */
  follow(): void {
    this.holder.follow(tableOf(this.#etcd.below(`${prefix}/`), prefix));
  }

  stop(): void {
    this.#ended.abort();
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

const leasesIn = (etcd: MemoryEtcd) => etcd.below(`${prefix}/subnets/`);
const flannelValue = (host: number) =>
  JSON.stringify({
    PublicIP: `192.0.2.${host}`,
    PublicIPv6: null,
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: '02:00:00:00:00:99' },
  });

describe('a claim', () => {
  test('is a key of its own with a lease of etcd, which tells how the host is reached', async () => {
    const etcd = createEtcd();

    using host = new Host(etcd, 1);
    await pass(0);

    const [kv] = leasesIn(etcd);
    expect(kv).toMatchObject({ key: host.key, lease: '1' });
    expect(parseLease(host.name, kv?.value ?? '')).toMatchObject({
      node: 'node-1',
      endpoints: { 4: { publicAddress: publicAddress(1), vni: 1 } },
    });
    expect(host.holder.state).toMatchObject({ untilSeconds: now() + daySeconds, insteadOf: undefined });
  });

  test('begins with the subnet of the last run', async () => {
    using host = new Host(createEtcd(), 1, { previous: { 4: cidr('10.5.9.0/24') } });
    await pass(0);

    expect(host.name).toBe('10.5.9.0-24');
  });

  test('has both families where the overlay has', async () => {
    using host = new Host(createEtcd(dualStack), 1, { self: selfOf(1, { isDual: true }) });
    await pass(0);

    expect(host.name).toMatch(/^10\.5\.\d+\.0-24&fd00:5:0:[\da-f]+::-64$/);
  });

  test('is made again elsewhere when somebody is faster', async () => {
    const etcd = createEtcd();
    etcd.mishapOf = (call) => {
      if (call === 'grant') etcd.put(`${prefix}/subnets/10.5.9.0-24`, flannelValue(2));
      return undefined;
    };

    using host = new Host(etcd, 1, { previous: { 4: cidr('10.5.9.0/24') } });
    await pass(0);

    expect(host.name).not.toBe('10.5.9.0-24');
    expect(leasesIn(etcd)).toHaveLength(2);
    expect(host.told).toEqual([`held ${host.name}`]);
  });

  test('of which the answer was lost is found again, and nothing is claimed twice', async () => {
    const etcd = createEtcd();
    let isLost = true;
    etcd.mishapOf = (call) => {
      if (call !== 'commit' || !isLost) return undefined;
      isLost = false;
      return 'after';
    };

    using host = new Host(etcd, 1);
    await pass(1);

    expect(leasesIn(etcd).map(({ key }) => key)).toEqual([host.key]);
    expect(etcd.calls.filter((call) => call === 'grant')).toHaveLength(1);
  });

  test('leaves one lease of etcd behind at most, however often it fails', async () => {
    const etcd = createEtcd();
    etcd.mishapOf = (call) => (call === 'commit' ? 'before' : undefined);

    using _host = new Host(etcd, 1);
    await pass(60);

    expect(etcd.calls.filter((call) => call === 'commit').length).toBeGreaterThan(10);
    expect(etcd.calls.filter((call) => call === 'grant')).toHaveLength(1);
  });

  test('is made with a new lease of etcd where the granted one has ended meanwhile', async () => {
    const etcd = createEtcd();
    let grants = 0;
    etcd.mishapOf = (call) => {
      if (call === 'grant') grants++;
      if (call === 'commit' && grants === 1) void etcd.revoke('1');
      return undefined;
    };

    using host = new Host(etcd, 1);
    await pass(0);

    expect(host.shown).toMatch(/^held/);
    expect(leasesIn(etcd)[0]?.lease).toBe('2');
  });
});

describe('there is nothing to claim', () => {
  test('before it is known how the host is reached', async () => {
    const etcd = createEtcd();
    const ended = new AbortController();
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const holder = new LeaseHolder({
      ...{ etcd, prefix, ttlSeconds: 60, node: 'n', previous: {}, log, nowSeconds: now },
      onChange: () => {},
    });
    void holder.run(ended.signal);
    holder.follow(tableOf(etcd.below(`${prefix}/`), prefix));
    await pass(60);
    expect(etcd.calls).toEqual([]);
    expect(holder.state).toMatchObject({ because: 'it is not known yet how this host is reached' });

    holder.setSelf(selfOf(1));
    await pass(0);

    expect(holder.state.kind).toBe('held');
    ended.abort();
  });

  test('while there is no configuration, and something as soon as there is', async () => {
    const etcd = new MemoryEtcd(now);
    using host = new Host(etcd, 1);
    await pass(60);
    expect(host.holder.state).toEqual({
      kind: 'waiting',
      because: "etcd has no key /coreos.com/network/config: write the overlay's configuration there",
    });

    etcd.put(`${prefix}/config`, JSON.stringify(singleStack));
    host.follow();
    await pass(0.2);

    expect(host.shown).toMatch(/^held/);
    expect(host.log.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });

  test('while the configuration is not understood', async () => {
    using host = new Host(createEtcd({ Network: 'x' }), 1);
    await pass(0);

    expect(host.holder.state).toMatchObject({
      because: expect.stringContaining('config: Network: expected'),
    });
  });

  test('while the host has no address of a family', async () => {
    using host = new Host(createEtcd(dualStack), 1);
    await pass(0);
    expect(host.holder.state).toMatchObject({
      because: 'the overlay has IPv6, and this host has no IPv6 address',
    });

    host.holder.setSelf(selfOf(1, { isDual: true }));
    await pass(0);

    expect(host.shown).toMatch(/^held/);
  });

  test('while the network is full, and something when a lease goes, even if nobody tells', async () => {
    const etcd = createEtcd();
    for (let third = 1; third <= 15; third++) etcd.put(`${prefix}/subnets/10.5.${third}.0-24`, 'whatever');
    using host = new Host(etcd, 1);
    await pass(30);
    expect(host.holder.state).toMatchObject({
      because: expect.stringContaining('no subnet is free: all 15'),
    });

    etcd.delete(`${prefix}/subnets/10.5.7.0-24`);
    await pass(11);

    expect(host.name).toBe('10.5.7.0-24');
  });

  test('while etcd is away, which is logged once, and something when it is back', async () => {
    const etcd = createEtcd();
    etcd.mishapOf = () => 'before';
    using host = new Host(etcd, 1);
    await pass(600);
    expect(host.holder.state).toEqual({ kind: 'waiting', because: 'etcd is away' });
    expect(host.log).toEqual(['warn: no subnet yet: etcd is away']);

    etcd.mishapOf = () => undefined;
    await pass(6);

    expect(host.shown).toMatch(/^held/);
  });
});

describe('the lease of the last run is taken over', () => {
  test('by the id of the machine, though its address is another', async () => {
    const etcd = createEtcd();
    const before = new Host(etcd, 1);
    await pass(0);
    const { name } = before;
    before.stop();
    await pass(3_600);

    using host = new Host(etcd, 1, { self: selfOf(77) });
    await pass(0);

    const [kv] = leasesIn(etcd);
    expect(host.name).toBe(name);
    expect(parseLease(name, kv?.value ?? '')).toMatchObject({
      endpoints: { 4: { publicAddress: publicAddress(77) } },
    });
    expect(host.holder.state).toMatchObject({ untilSeconds: now() + daySeconds });
  });

  test('by the address, as from a flanneld that was here', async () => {
    const etcd = createEtcd();
    const { id } = await etcd.grant(daySeconds, new AbortController().signal);
    etcd.put(`${prefix}/subnets/10.5.9.0-24`, flannelValue(1), id);

    using host = new Host(etcd, 1);
    await pass(0);

    const [kv, ...others] = leasesIn(etcd);
    expect(host.name).toBe('10.5.9.0-24');
    expect(others).toEqual([]);
    expect(kv?.value).toContain('"Node":"node-1"');
    expect(kv?.lease).not.toBe(id);
  });

  test('not from a machine of another id that says to have our address: that is reported', async () => {
    const etcd = createEtcd();
    const other = new Host(etcd, 2, { self: selfOf(1) });
    await pass(0);
    other.stop();

    using host = new Host(etcd, 1);
    await pass(0);
    host.follow();
    await pass(0);

    expect(host.name).not.toBe(other.name);
    expect(host.holder.problems).toEqual([
      expect.stringContaining(`the machine node-2 has leased ${other.name} with the address 192.0.2.1`),
    ]);
    expect(host.log.filter((line) => line.includes('node-2'))).toHaveLength(1);
  });

  test.each([flannelValue(1), '{"PublicIP":"192.0.2.1"}', '{"Node":"node-1"}'])(
    'and a reservation stays one: %s',
    async (value) => {
      const etcd = createEtcd();
      etcd.put(`${prefix}/subnets/10.5.9.0-24`, value);

      using host = new Host(etcd, 1);
      await pass(3 * daySeconds);

      expect(host.name).toBe('10.5.9.0-24');
      expect(host.holder.state).toMatchObject({ untilSeconds: undefined });
      expect(leasesIn(etcd)).toMatchObject([
        { lease: '0', value: expect.stringContaining('"Node":"node-1"') },
      ]);
      expect(etcd.calls).not.toContain('grant');
    },
  );
});

describe('while it is held', () => {
  test('it is renewed every ten minutes, and each time the new end is told', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1);
    await pass(0);
    const { key } = host;

    await pass(3 * daySeconds);

    expect(etcd.calls.filter((call) => call === 'keepAlive')).toHaveLength(3 * 144);
    expect(etcd.calls.filter((call) => call === 'list')).toHaveLength(2);
    expect(host.told).toHaveLength(1 + 3 * 144);
    expect(leasesIn(etcd).map((kv) => kv.key)).toEqual([key]);
  });

  test('a short one is renewed three times in its life', async () => {
    const etcd = createEtcd();
    using _host = new Host(etcd, 1, { ttlSeconds: 9 });

    await pass(9);

    expect(etcd.calls.filter((call) => call === 'keepAlive')).toHaveLength(3);
  });

  test('news of others costs no calls', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1);
    await pass(1);
    const before = etcd.calls.length;

    for (let other = 2; other < 50; other++) {
      etcd.put(`${prefix}/subnets/10.6.${other}.0-24`, flannelValue(other));
      host.follow();
      await pass(0.01);
    }

    expect(etcd.calls.length).toBe(before);
  });

  test('hearing once more how the host is reached costs no calls', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1);
    await pass(1);
    const before = etcd.calls.length;

    host.holder.setSelf(selfOf(1));
    await pass(1);

    expect(etcd.calls.length).toBe(before);
  });

  test('news that are older than the claim lead to one look, not to a loss', async () => {
    const etcd = createEtcd();
    const stale = tableOf(etcd.below(`${prefix}/`), prefix);
    using host = new Host(etcd, 1);
    await pass(1);

    host.holder.follow(stale);
    await pass(1);

    expect(host.told).toEqual([`held ${host.name}`]);
  });

  test('an address that changes changes the value, and neither the key nor its lease of etcd', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1);
    await pass(0);
    const [before] = leasesIn(etcd);

    host.holder.setSelf(selfOf(77));
    await pass(0);

    const [after] = leasesIn(etcd);
    expect(after).toMatchObject({
      key: before?.key,
      lease: before?.lease,
      createRevision: before?.createRevision,
    });
    expect(after?.value).toContain('"PublicIP":"192.0.2.77"');
    expect(host.holder.state).toMatchObject({
      lease: { endpoints: { 4: { publicAddress: publicAddress(77) } } },
    });
    expect(host.told).not.toContain('lost');
  });

  test('a family whose address is gone for the moment is told with the last one', async () => {
    const etcd = createEtcd(dualStack);
    using host = new Host(etcd, 1, { self: selfOf(1, { isDual: true }) });
    await pass(0);
    const { name } = host;

    host.holder.setSelf(selfOf(1));
    await pass(0);

    expect(host.name).toBe(name);
    expect(leasesIn(etcd)[0]?.value).toContain('"PublicIPv6":"2001:db8:5::1"');
  });

  test('a configuration that it does not fit is reported, and it is kept', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1);
    await pass(0);
    const { name } = host;

    etcd.put(`${prefix}/config`, JSON.stringify({ ...singleStack, Network: '10.6.0.0/20' }));
    host.follow();
    await pass(2 * daySeconds);
    expect(host.name).toBe(name);
    expect(host.holder.problems).toEqual([
      expect.stringContaining(`${name}, which this host has leased, does not fit`),
    ]);

    etcd.delete(host.key);
    host.follow();
    await pass(0);
    host.follow();
    await pass(0);

    expect(host.name).toMatch(/^10\.6\./);
    expect(host.holder.problems).toEqual([]);
  });

  test('an owner that fails at the news does not end the watch over it', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1, {
      onChange: () => {
        throw new Error('no room');
      },
    });

    await pass(2 * daySeconds);

    expect(host.shown).toMatch(/^held/);
    expect(host.log).toContain('error: after a change of the lease: no room');
  });
});

describe('without etcd', () => {
  test('it is held until its end and not a moment longer, however silent etcd is', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1, { ttlSeconds: 30 });
    await pass(0);
    etcd.mishapOf = () => 'silence';

    await pass(29.9);
    expect(host.shown).toMatch(/^held/);
    await pass(0.1);

    expect(host.holder.state).toMatchObject({
      kind: 'lost',
      because: expect.stringContaining('not renewed in time'),
    });
  });

  test('a short outage is survived: logged once, and nobody is told of a loss', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1, { ttlSeconds: 60 });
    await pass(0);
    etcd.mishapOf = () => 'before';
    await pass(55);
    expect(host.holder.trouble).toBe('etcd is away');

    etcd.mishapOf = () => undefined;
    await pass(6);

    expect(host.told).not.toContain('lost');
    expect(host.holder.trouble).toBeUndefined();
    expect(host.log).toEqual([
      'info: subnet leased',
      'warn: the lease is not renewed: etcd is away',
      'info: etcd answers again',
    ]);
  });

  test('the same subnet comes back after a long outage, when nobody has taken it', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1, { ttlSeconds: 30 });
    await pass(0);
    const { name } = host;
    etcd.mishapOf = () => 'before';
    await pass(3_600);
    expect(host.shown).toBe('lost');

    etcd.mishapOf = () => undefined;
    await pass(6);

    expect(host.name).toBe(name);
    expect(host.holder.state).toMatchObject({ insteadOf: undefined });
  });

  test('another subnet comes when somebody has taken it, which is an error in the log once', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1, { ttlSeconds: 30 });
    await pass(0);
    const { name, key } = host;
    etcd.mishapOf = () => 'before';
    await pass(60);
    etcd.put(key, flannelValue(2));

    etcd.mishapOf = () => undefined;
    await pass(30);

    expect(host.name).not.toBe(name);
    expect(host.holder.state).toMatchObject({ insteadOf: { previous: { name } } });
  });

  test('a machine that wakes after its lease has ended does not use it', async () => {
    const etcd = createEtcd();
    let slept = 0;
    using host = new Host(etcd, 1, { nowSeconds: () => now() + slept });
    await pass(0);
    etcd.mishapOf = () => 'silence';

    slept = daySeconds;
    await pass(10);

    expect(host.shown).toBe('lost');
  });
});

describe('a key', () => {
  test('that is deleted is lost, and claimed again at once', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1);
    await pass(1);
    const { name } = host;

    etcd.delete(host.key);
    host.follow();
    await pass(0);

    expect(host.told.slice(-2)).toEqual(['lost', `held ${name}`]);
    expect(leasesIn(etcd)).toHaveLength(1);
  });

  test('that is deleted with its lease of etcd, which nobody tells, is found missing at the next renewal', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1);
    await pass(1);
    const { name } = host;

    await etcd.revoke('1');
    await pass(600);

    expect(host.told.slice(-2)).toEqual(['lost', `held ${name}`]);
  });

  test('that is another host now leaves it to that one, with one error in the log', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1);
    await pass(1);
    const { name, key } = host;

    etcd.put(key, flannelValue(2));
    for (let round = 0; round < 5; round++) {
      host.follow();
      await pass(1);
    }

    expect(host.name).not.toBe(name);
    expect(host.told).toEqual([`held ${name}`, 'lost', `held ${host.name}`]);
    expect(host.holder.state).toMatchObject({ insteadOf: { previous: { name }, takenBy: '192.0.2.2' } });
    expect(host.log.filter((line) => line.startsWith('error'))).toEqual([
      expect.stringContaining(`the subnet of the lease ${name} belongs to 192.0.2.2 now`),
    ]);
  });

  test('that somebody writes with our address is ours still, and is written again', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1);
    await pass(1);

    etcd.put(host.key, flannelValue(1), '1');
    host.follow();
    await pass(0);

    expect(leasesIn(etcd)[0]?.value).toContain('"Node":"node-1"');
    expect(host.told).not.toContain('lost');
    expect(host.log.at(-1)).toContain('somebody else has changed the lease');
  });

  test.each(['nonsense', '{"BackendType":"host-gw"}'])(
    'over which somebody writes %s stays ours, is written again, and ends as before',
    async (value) => {
      const etcd = createEtcd();
      using host = new Host(etcd, 1);
      await pass(1);
      const [before] = leasesIn(etcd);
      const { name } = host;

      etcd.put(host.key, value);
      host.follow();
      await pass(1);

      expect(leasesIn(etcd)).toMatchObject([
        {
          key: before?.key,
          value: before?.value,
          createRevision: before?.createRevision,
          lease: before?.lease,
        },
      ]);
      expect(host.told).toEqual([`held ${name}`]);
    },
  );

  test('that is a reservation stays one, also when nonsense is written over it', async () => {
    const etcd = createEtcd();
    etcd.put(`${prefix}/subnets/10.5.9.0-24`, '{"Node":"node-1"}');
    using host = new Host(etcd, 1);
    await pass(1);

    etcd.put(host.key, 'nonsense');
    host.follow();
    await pass(1);

    expect(leasesIn(etcd)).toMatchObject([{ lease: '0', value: expect.stringContaining('192.0.2.1') }]);
    expect(host.told).toEqual(['held 10.5.9.0-24']);
  });

  test('that ends with another lease of etcd, at whatever revision, is looked at', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1);
    await pass(1);
    const table = tableOf(
      etcd.below(`${prefix}/`).map((kv) => ({ ...kv, lease: '77' })),
      prefix,
    );
    const before = etcd.calls.length;

    host.holder.follow(table);
    await pass(0);

    expect(etcd.calls.slice(before)).toEqual(['list']);
  });
});

describe('of two machines with one id', () => {
  /** Both hear everything at once, for a while. */
  const goOn = async (...hosts: readonly Host[]) => {
    for (let round = 0; round < 600; round++) {
      for (const host of hosts) host.follow();
      await pass(0.1);
    }
  };

  test('the first one loses its subnet to the one that starts while it has it, and leaves it alone', async () => {
    const etcd = createEtcd();
    using one = new Host(etcd, 1);
    await goOn(one);
    const { name } = one;
    using other = new Host(etcd, 1, { self: selfOf(2) });
    await goOn(one, other);

    expect([one.shown, other.shown]).toEqual(['lost', `held ${name}`]);
    expect(one.told).toEqual([`held ${name}`, 'lost', 'lost']);
    expect(one.holder.state).toMatchObject({
      takenBy: '192.0.2.2',
      because: expect.stringMatching(
        /^another machine \(192\.0\.2\.2\) has this machine's id: remove [^;]*$/,
      ),
    });
    expect(one.log.filter((line) => !line.startsWith('info'))).toEqual([
      expect.stringMatching(
        `^error: the subnet of the lease ${name} belongs to 192.0.2.2 now: another machine`,
      ),
    ]);
    expect(leasesIn(etcd)).toHaveLength(1);
    expect(etcd.calls.filter((call) => call === 'commit')).toHaveLength(2);
  });

  test('the one that has lost takes the subnet again when the key has ended', async () => {
    const etcd = createEtcd();
    using one = new Host(etcd, 1);
    await goOn(one);
    using other = new Host(etcd, 1, { self: selfOf(2) });
    await goOn(one, other);
    const { name, key } = other;

    other.stop();
    etcd.delete(key);
    await goOn(one);

    expect(one.shown).toBe(`held ${name}`);
  });

  test('or when the other has got an id of its own', async () => {
    const etcd = createEtcd();
    using one = new Host(etcd, 1);
    await goOn(one);
    const other = new Host(etcd, 1, { self: selfOf(2) });
    await goOn(one, other);
    const { name } = other;

    other.stop();
    using renewed = new Host(etcd, 2);
    await goOn(one, renewed);

    expect(one.shown).toBe(`held ${name}`);
    expect(renewed.shown).toMatch(/^held/);
    expect(renewed.name).not.toBe(name);
  });

  test.each([0, 1, 2, 3, 4, 5, 6])(
    'one at most has the old subnet when both start again, %s tenths of a round trip apart',
    async (tenths) => {
      const etcd = createEtcd();
      const before = new Host(etcd, 1);
      await pass(1);
      const { name } = before;
      before.stop();
      etcd.delayMs = () => 100;

      using one = new Host(etcd, 1);
      await pass(tenths * 0.1);
      using other = new Host(etcd, 1, { self: selfOf(2) });
      await goOn(one, other);

      expect([one.shown, other.shown].filter((shown) => shown === `held ${name}`)).toHaveLength(1);
      expect(etcd.calls.filter((call) => call === 'commit').length).toBeLessThan(8);
    },
  );

  test('both keep a subnet of their own that begin together, and it is reported', async () => {
    const etcd = createEtcd();
    etcd.delayMs = () => 100;
    using one = new Host(etcd, 1, { previous: { 4: cidr('10.5.8.0/24') } });
    using other = new Host(etcd, 1, { self: selfOf(2), previous: { 4: cidr('10.5.9.0/24') } });
    await goOn(one, other);

    expect([one.shown, other.shown]).toEqual(['held 10.5.8.0-24', 'held 10.5.9.0-24']);
    expect(one.holder.problems).toEqual([expect.stringContaining('another machine (192.0.2.2)')]);
    expect(other.holder.problems).toEqual([expect.stringContaining('another machine (192.0.2.1)')]);
  });

  test('none is meant by an address that changes while answers are lost', async () => {
    const etcd = createEtcd();
    const random = new Random(5);
    using host = new Host(etcd, 1);
    await pass(1);
    const { name } = host;

    etcd.mishapOf = () => random.pick([undefined, 'before', 'after'] as const);
    for (let round = 0; round < 300; round++) {
      host.holder.setSelf(selfOf(1 + random.below(3)));
      host.follow();
      await pass(random.below(20) / 10);
    }

    expect(host.told.filter((shown) => shown !== `held ${name}`)).toEqual([]);
  });
});

describe('of two leases that overlap though their keys differ', () => {
  test('the later one gives way, before it was told', async () => {
    const etcd = createEtcd(dualStack);
    using one = new Host(etcd, 1, {
      self: selfOf(1, { isDual: true }),
      previous: { 4: cidr('10.5.9.0/24') },
    });
    let isAhead = false;
    etcd.mishapOf = (call) => {
      // The other has read that nothing is leased when the first one claims.
      if (call === 'grant' && !isAhead) {
        isAhead = true;
        etcd.put(`${prefix}/subnets/10.5.9.0-24&fd00:5:0:9::-64`, flannelDual(2));
      }
      return undefined;
    };
    await pass(0);

    expect(one.name).not.toMatch(/^10\.5\.9\.0/);
    expect(one.told).toEqual([`held ${one.name}`]);
    expect(leasesIn(etcd)).toHaveLength(2);
    expect(one.log).toContain('warn: a lease is given back: another that overlaps with it was there before');
  });

  test('the earlier one stays, and reports it', async () => {
    const etcd = createEtcd();
    using host = new Host(etcd, 1, { previous: { 4: cidr('10.5.9.0/24') } });
    await pass(1);

    etcd.put(`${prefix}/subnets/10.5.8.0-23`, flannelValue(2));
    host.follow();
    await pass(1);

    expect(host.name).toBe('10.5.9.0-24');
    expect(host.holder.problems).toEqual([
      expect.stringContaining('192.0.2.2 has leased 10.5.8.0-23, which overlaps with 10.5.9.0-24'),
    ]);
  });
});

describe('at the end', () => {
  test('the lease is not given back', async () => {
    const etcd = createEtcd();
    const host = new Host(etcd, 1);
    await pass(1);

    host.stop();
    await pass(3_600);

    expect(leasesIn(etcd)).toHaveLength(1);
  });

  test.each(['list', 'grant', 'commit'])(
    'nothing is told or called when it comes during %s',
    async (during) => {
      const etcd = createEtcd();
      const ended = new AbortController();
      etcd.mishapOf = (call) => {
        if (call === during) ended.abort();
        return undefined;
      };

      const host = new Host(etcd, 1, { ended });
      await pass(3_600);

      expect(host.told).toEqual([]);
      expect(etcd.calls.at(-1)).toBe(during);
      expect(vi.getTimerCount()).toBe(0);
    },
  );
});

describe('whatever fails and whenever', () => {
  /** Seven subnets for ten hosts, so that what one loses another takes. */
  const crowded = { Network: '10.5.0.0/21' };
  const mishaps: readonly Mishap[] = ['silence', 'before', 'after'];

  const rounds = process.env.SOAK === '1' ? 50_000 : 1_000;

  type Walk = { readonly etcd: MemoryEtcd; readonly random: Random; readonly told: string[] };

  test.each([
    ['one family', { ...singleStack, ...crowded }],
    ['both families', { ...dualStack, ...crowded }],
  ])('no two hosts hold one subnet of %s at a time', async (_, config) => {
    const random = new Random();
    const etcd = createEtcd(config);
    etcd.delayMs = () => random.below(200);
    const told: string[] = [];
    const hosts = Array.from({ length: 10 }, (_, at) => createHost(at + 1, { etcd, random, told }));
    for (let round = 0; round < rounds; round++) {
      if (random.below(10) === 0) etcd.mishapOf = drawMishaps(random);
      const at = random.below(hosts.length);
      if (random.below(20) === 0) {
        hosts[at]?.stop();
        hosts[at] = createHost(at + 1, { etcd, random, told });
      }
      hosts[at]?.follow();
      await pass(random.below(20) / 10);

      expect(findClash(hosts), `seed ${random.seed}, round ${round}`).toEqual([]);
    }
    for (const host of hosts) host.stop();
    expect(told.filter((state) => state === 'held').length).toBeGreaterThan(100);
    expect(told.filter((state) => state === 'lost').length).toBeGreaterThan(5);
  });

  function createHost(number: number, { etcd, random, told }: Walk): Host {
    const host: Host = new Host(etcd, number, {
      ttlSeconds: 12,
      self: selfOf(number, { isDual: true }),
      random: () => random.below(2 ** 32) / 2 ** 32,
      onChange: () => told.push(host.holder.state.kind),
    });
    return host;
  }

  /** For a while: all goes well, some calls fail, or all do. */
  function drawMishaps(random: Random): (call: string) => Mishap | undefined {
    const unlucky = random.pick([0, 0, 3, 10]);
    return () => (random.below(10) < unlucky ? random.pick(mishaps) : undefined);
  }

  function findClash(hosts: readonly Host[]): readonly string[] {
    const held = hosts.flatMap(({ holder: { state } }) => (state.kind === 'held' ? [state.lease] : []));
    return held
      .filter((one, index) =>
        held.slice(index + 1).some((other) => subnetsOverlap(subnetsOf(one), subnetsOf(other))),
      )
      .map(({ name }) => name);
  }
});

function flannelDual(host: number): string {
  const data = { VNI: 1, VtepMAC: '02:00:00:00:00:99' as Mac };
  return JSON.stringify({
    ...JSON.parse(flannelValue(host)),
    PublicIPv6: `2001:db8:5::${host}`,
    BackendV6Data: data,
  });
}
