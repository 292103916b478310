import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type DnsServer, startDnsServer } from '../../lib/dns/server.ts';
import type { ServerAddress } from '../../lib/dns/server-address.ts';
import { must } from '../support/process.ts';
import { containerOwner, createViewFixture, instanceOf } from '../support/registry.ts';
import { skipUnless } from '../support/skip.ts';

const dnsmasq = '/usr/sbin/dnsmasq';
const loopback: ServerAddress = { address: '127.0.0.1', port: 0 };
const hasDig = existsSync('/usr/bin/dig');
const hasDnsmasq = existsSync(dnsmasq);

const web = 'web.default.svc.fairlead.internal';
const c1 = containerOwner({ host: 'c1' });
const fixture = createViewFixture([
  instanceOf({
    id: 'web-1',
    address: '10.1.0.2',
    portName: 'http',
    tags: ['blue'],
    meta: { version: '1.2' },
  }),
  instanceOf({ id: 'i-c1', address: '10.1.0.3', weight: 5, port: 8080, owner: c1 }),
  instanceOf({ id: 'i-c1-6', address: 'fd00::3', weight: 5, port: 8080, owner: c1 }),
  instanceOf({ id: 'sick', service: 'sick', address: '10.1.0.4', status: 'critical' }),
  ...Array.from({ length: 150 }, (_, index) =>
    instanceOf({ id: `big-${index}`, service: 'big', address: `10.2.0.${index}` }),
  ),
]);

let server: DnsServer;
let refusing: DnsServer;
let upstream: ReturnType<typeof startDnsmasq> | undefined;

beforeAll(async () => {
  const upstreamAt = { address: '127.0.0.1', port: await freePort() };
  refusing = await startDnsServer({ addresses: [loopback], view: fixture.view });
  server = await startDnsServer({ addresses: [loopback], view: fixture.view, upstreams: [upstreamAt] });
  if (!hasDnsmasq || !hasDig) return;
  upstream = startDnsmasq(upstreamAt);
  await vi.waitFor(async () => expect(await digAt(upstreamAt, 'up.test')).toContain('192.0.2.7'), 10_000);
});

beforeEach((context) => skipUnless(context, hasDig, 'dig is not installed (bind9-dnsutils)'));

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await refusing?.[Symbol.asyncDispose]();
  upstream?.kill('SIGKILL');
  await upstream;
});

/** A real upstream that knows two names, the second with more text than a datagram holds. */
function startDnsmasq({ address, port }: ServerAddress) {
  const text = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(250)).join(',');
  const alone = [
    '--no-daemon',
    '--no-resolv',
    '--no-hosts',
    '--bind-interfaces',
    '--pid-file=',
    '--conf-file=/dev/null',
  ];
  const where = [`--listen-address=${address}`, `--port=${port}`];
  const names = ['--address=/up.test/192.0.2.7', `--txt-record=big.up.test,${text}`, '--local=/test/'];
  return execa(dnsmasq, [...alone, ...where, ...names], { reject: false, timeout: 60_000 });
}

async function freePort(): Promise<number> {
  const listening = createServer().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  listening.close();
  return port;
}

function digAt({ address, port }: ServerAddress, ...args: readonly string[]): Promise<string> {
  return must('dig', [`@${address}`, '-p', `${port}`, '+tries=1', '+time=3', ...args]);
}

/** What `dig` prints, asked of the server that has an upstream. */
function dig(...args: readonly string[]): Promise<string> {
  return digAt(server.addresses()[0] ?? loopback, ...args);
}

async function short(...args: readonly string[]): Promise<readonly string[]> {
  return (await dig('+short', ...args))
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

describe('dig is told by the registry', () => {
  test('the addresses of a service, of both families', async () => {
    expect(await short(web)).toEqual(['10.1.0.2', '10.1.0.3']);
    expect(await short(web, 'AAAA')).toEqual(['fd00::3']);
    expect(await short('c1.net.fairlead.internal')).toEqual(['10.1.0.3']);
  });

  test('its SRV records with the addresses beside', async () => {
    expect(await short(web, 'SRV')).toEqual([`0 1 80 web-1.${web}.`, '0 5 8080 c1.net.fairlead.internal.']);
    expect(await short(`_http._tcp.${web}`, 'SRV')).toEqual([`0 1 80 web-1.${web}.`]);
    const text = await dig(web, 'SRV', '+noall', '+additional');
    expect(text).toMatch(/c1\.net\.fairlead\.internal\.\s+1\s+IN\s+AAAA\s+fd00::3/);
  });

  test('its text', async () => {
    expect(await short(web, 'TXT')).toEqual(['"tag=blue" "version=1.2"']);
  });

  test('the name of an address, of both families', async () => {
    expect(await short('-x', '10.1.0.3')).toEqual(['c1.net.fairlead.internal.']);
    expect(await short('-x', 'fd00::3')).toEqual(['c1.net.fairlead.internal.']);
    expect(await short('-x', '10.1.0.2')).toEqual([`web-1.${web}.`]);
  });

  test('who serves the zone', async () => {
    expect(await short('fairlead.internal', 'NS')).toEqual(['ns.fairlead.internal.']);
    expect(await short('ns.fairlead.internal')).toEqual(['127.0.0.1']);
    const [soa] = await short('fairlead.internal', 'SOA');
    expect(soa).toMatch(/^ns\.fairlead\.internal\. hostmaster\.fairlead\.internal\. \d+ 1200 180 1209600 0$/);
  });

  test('what was committed a moment ago', async () => {
    for (const address of ['10.9.0.1', '10.9.0.2', '10.9.0.3']) {
      fixture.put(instanceOf({ id: 'moving', service: 'moving', address }));
      expect(await short('moving.default.svc.fairlead.internal')).toEqual([address]);
    }
  });
});

describe('dig finds no fault', () => {
  test.each([
    ['over TCP', ['+tcp']],
    ['without EDNS', ['+noedns']],
    ['with a cookie and a client subnet', ['+cookie=0102030405060708', '+subnet=192.0.2.0/24']],
    ['with padding, NSID and DO', ['+nsid', '+dnssec']],
    ['with letters of mixed case', ['+bufsize=512']],
  ])('in an answer %s', async (_, args) => {
    const text = await dig('WeB.default.svc.fairlead.internal', ...args);
    expect(text).toContain('status: NOERROR');
    expect(text).toMatch(/;WeB\.default\.svc\.fairlead\.internal\.\s+IN\s+A/);
    expect(text).not.toMatch(/;; Warning|malformed|BADCOOKIE|BADVERS/i);
  });

  test('in a truncated answer, which it completes over TCP', async () => {
    const big = 'big.default.svc.fairlead.internal';
    const cut = await dig(big, '+ignore', '+bufsize=512');
    expect(cut).toMatch(/flags: qr aa tc/);
    expect(Number(/MSG SIZE {2}rcvd: (\d+)/.exec(cut)?.[1])).toBeLessThanOrEqual(512);
    expect(await dig(big, '+ignore', '+bufsize=4096')).toMatch(
      /flags: qr aa tc.*\n.*udp: 1232|flags: qr aa tc/,
    );
    expect(await short(big)).toHaveLength(150);
    expect(await short(big, '+tcp')).toHaveLength(150);
  });
});

describe('dig is told', () => {
  test.each([
    ['NXDOMAIN of a name that is not there', ['nobody.default.svc.fairlead.internal'], 'NXDOMAIN'],
    ['NOERROR of a name without the type', ['big.default.svc.fairlead.internal', 'AAAA'], 'NOERROR'],
    ['NOERROR of a service that is not well', ['sick.default.svc.fairlead.internal'], 'NOERROR'],
    ['NOERROR of a name above others', ['default.svc.fairlead.internal'], 'NOERROR'],
  ])('%s, with the SOA', async (_, args, status) => {
    const text = await dig(...args);
    expect(text).toContain(`status: ${status}`);
    expect(text).toMatch(/AUTHORITY: 1/);
    expect(text).toMatch(/IN\s+SOA\s+ns\.fairlead\.internal\./);
  });

  test.each([
    ['a zone transfer', ['fairlead.internal', 'AXFR'], /Transfer failed|REFUSED/],
    ['another class', ['version.bind', 'CH', 'TXT'], /status: REFUSED/],
    ['another opcode', ['fairlead.internal', '+opcode=NOTIFY'], /status: NOTIMP/],
    ['another version of EDNS', [web, '+edns=1', '+noednsnegotiation'], /status: BADVERS/],
  ])('that %s is not to be had', async (_, args, expected) => {
    expect(await dig(...args)).toMatch(expected);
  });

  test('one set of records for ANY', async () => {
    expect(await short(web, 'ANY', '+notcp')).toEqual(['10.1.0.2', '10.1.0.3']);
    expect(await short(web, 'ANY')).toEqual(['10.1.0.2', '10.1.0.3']);
  });

  test('REFUSED of names that are not ours, and NXDOMAIN of private addresses, where there is no upstream', async () => {
    const [at = loopback] = refusing.addresses();
    expect(await digAt(at, 'up.test')).toContain('status: REFUSED');
    expect(await digAt(at, '-x', '8.8.8.8')).toContain('status: REFUSED');
    expect(await digAt(at, '-x', '10.99.0.1')).toContain('status: NXDOMAIN');
  });
});

describe('a real upstream', () => {
  beforeEach((context) => skipUnless(context, hasDnsmasq, 'dnsmasq is not installed (dnsmasq-base)'));

  test('answers names that are not ours', async () => {
    for (const args of [[], ['+tcp'], ['+noedns'], ['+cookie=0102030405060708']]) {
      expect(await short('up.test', ...args)).toEqual(['192.0.2.7']);
    }
    expect(await dig('nobody.test')).toContain('status: NXDOMAIN');
  });

  test('answers at length over TCP', async () => {
    expect(await dig('big.up.test', 'TXT', '+ignore')).toMatch(/flags: qr[^;]* tc/);
    const [text = ''] = await short('big.up.test', 'TXT');
    expect(text.length).toBeGreaterThan(2_000);
  });

  test('is not asked for our own names', async () => {
    const before = server.stats.forwarded;
    expect(await dig('nobody.fairlead.internal')).toContain('status: NXDOMAIN');
    expect(server.stats.forwarded).toBe(before);
  });
});
