import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { renderBirdConfig } from '../../lib/routing/bird/config.ts';
import { tellBird } from '../../lib/routing/bird/control.ts';
import { ConfigInForce } from '../../lib/routing/bird/in-force.ts';
import { birdWish } from '../../lib/routing/bird/wish.ts';
import { run } from '../support/process.ts';
import { Random } from '../support/random.ts';
import {
  address,
  birdSettings,
  type ClusterHost,
  cidr,
  pools4,
  pools6,
  reachabilityOf,
} from '../support/routing.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { address6Of, addressOf } from '../support/underlay.ts';

// What BIRD's own programs make of what is written for them.

const goldens = `${import.meta.dirname}/../golden/expected`;

/** @returns what BIRD says against the configuration in a file; empty where it understands it */
async function complaintAbout(file: string): Promise<string> {
  const { status, stdout, stderr } = await run({ file: 'bird', args: ['-p', '-c', file] });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

test.each(readdirSync(goldens).filter((name) => name.startsWith('bird, ')))(
  'BIRD understands "%s"',
  async (name) => {
    expect(await complaintAbout(`${goldens}/${name}`)).toBe('');
  },
);

test('BIRD understands the configuration of every cluster', async () => {
  using dir = temporaryDirectory();
  const random = new Random();
  const file = `${dir.path}/bird.conf`;
  for (let round = 0; round < 60; round++) {
    writeFileSync(file, randomConfig(random));

    expect(await complaintAbout(file), `seed ${random.seed}, round ${round}`).toBe('');
  }
});

/** Of a cluster of up to six hosts with whatever addresses, blocks, loans, names and settings. */
function randomConfig(random: Random): string {
  const hosts = Array.from({ length: 1 + random.below(6) }, (_, index) => randomHost(random, index + 1));
  const settings = birdSettings({
    asn: random.pick([1, 64512, 4_294_967_294]),
    holdTimeSeconds: random.pick([3, 90, 65_535]),
    gracefulRestartSeconds: random.pick([1, 120, 4_095]),
    reflector: random.pick([undefined, '10.0.0.1']),
    peers: random.pick([[], [randomPeer(random)]]),
  });
  const passwords = {
    hosts: random.pick([undefined, 'a', '{};#$%']),
    peers: [random.pick([undefined, ' '])],
  };
  const pools = random.pick([[], pools4, pools6, [...pools4, ...pools6]]);
  const spared = ['10.50.1.0/24', '10.0.0.0/8', '10.50.3.3/32', 'fd00:50::/64'].filter(
    () => random.below(3) === 0,
  );
  const reachability = { ...reachabilityOf(1, hosts, pools), spared: spared.map(cidr) };
  return renderBirdConfig(birdWish(reachability, settings, passwords).wish, settings);
}

function randomHost(random: Random, number: number): ClusterHost {
  const addresses = [addressOf(number), address6Of(number)].filter(() => random.below(3) > 0);
  const blocks = [
    `10.50.${number}.0/26`,
    `10.50.${number}.64/32`,
    `fd00:50::${number}00/122`,
    `10.99.${number}.0/29`,
  ].filter(() => random.below(2) === 0);
  const lent = random.below(2) === 0 ? { [`10.50.${number}.7`]: 1 + random.below(6) } : {};
  const name = random.pick(['', 'node', 'a "quoted" one', '\\', '\n};', 'x'.repeat(300), 'ä']);
  return {
    number,
    addresses,
    blocks,
    lent,
    name,
    ...(random.below(4) === 0 ? { reflector: '10.0.0.2' } : {}),
  };
}

function randomPeer(random: Random) {
  return {
    address: address(random.pick(['198.51.100.1', '2001:db8:ffff::1', '192.0.2.2'])),
    asn: random.pick([64512, 65001]),
    name: random.pick([undefined, 'tor-1.a_b']),
    password: undefined,
    multihop: random.pick([undefined, 1, 255]),
  };
}

describe('birdc', () => {
  test('where nobody listens, the remedy is to start BIRD', async () => {
    await expect(tellBird('show status', { run, socket: '/nowhere/bird.ctl' })).rejects.toMatchObject({
      code: 11,
      message: expect.stringMatching(
        /does not answer at \/nowhere\/bird\.ctl \(.*No such file.*fairlead-bird/,
      ),
    });
  });

  test('a BIRD that hangs is waited for five seconds', async () => {
    await using bird = await FakeBird.start(() => undefined);

    await expect(tellBird('show status', bird)).rejects.toMatchObject({
      code: 11,
      message: expect.stringContaining('no answer within 5 s'),
    });
  }, 10_000);

  test('a BIRD before version 2 is told nothing', async () => {
    await using bird = await FakeBird.start(() => '1000-BIRD 1.6.8\n0013 Daemon is up and running\n');

    await expect(new ConfigInForce(bird, '/nowhere/bird.conf').ensure()).rejects.toThrow(
      'BIRD is of version 1.6.8: version 2 or later is needed',
    );
    expect(bird.heard).not.toContain('configure');
  });

  test('a BIRD that reads another file is found out each time', async () => {
    const status =
      '1000-BIRD 2.0.12\n1011-Last reboot on 2026-11-21 15:34:55.659\n0013 Daemon is up and running\n';
    const configured = '0002-Reading configuration from /etc/bird/bird.conf\n0003 Reconfigured\n';
    await using bird = await FakeBird.start((command) => (command === 'configure' ? configured : status));
    const inForce = new ConfigInForce(bird, '/nowhere/bird.conf');

    for (const _ of ['first', 'second'])
      await expect(inForce.ensure()).rejects.toThrow(
        'BIRD reads /etc/bird/bird.conf and not /nowhere/bird.conf',
      );
  });
});

/** Speaks BIRD's side of the control protocol, for what no BIRD that is installed here does. */
class FakeBird implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly run = run;
  readonly socket: string;
  readonly heard: string[] = [];

  private constructor(socket: string, stack: AsyncDisposableStack) {
    this.socket = socket;
    this.#stack = stack;
  }

  /** @param answer what is sent for a command; undefined: nothing, ever */
  static async start(answer: (command: string) => string | undefined): Promise<FakeBird> {
    await using stack = new AsyncDisposableStack();
    const dir = stack.use(temporaryDirectory());
    const fake = new FakeBird(`${dir.path}/bird.ctl`, stack);
    const server = createServer((connection) => {
      connection.write('0001 BIRD 2.0.12 ready.\n');
      connection.on('data', (chunk) => {
        const command = chunk.toString().trim();
        fake.heard.push(command);
        const text = answer(command);
        if (text !== undefined) connection.write(text);
      });
      connection.on('error', () => undefined);
    });
    stack.defer(() => new Promise((resolve) => server.close(() => resolve())));
    await new Promise<void>((resolve) => server.listen(fake.socket, resolve));
    stack.move();
    return fake;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
