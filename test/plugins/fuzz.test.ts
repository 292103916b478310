import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { recordsDirectory } from '../../lib/rules/records.ts';
import { binDir, limitMs, rounds } from '../support/binaries.ts';
import { dualConf } from '../support/confs.ts';
import { type KernelState, observeState } from '../support/kernel.ts';
import { run } from '../support/process.ts';
import { Random } from '../support/random.ts';
import { type Conf, Rig, toEnvironment, type Verb } from '../support/rig.ts';

const count = rounds({ short: 300, soak: 20_000 });
const verbs: readonly Verb[] = ['ADD', 'ADD', 'ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'];

/** Values that parsers stumble over. */
const values: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  4096,
  '',
  ' ',
  'a b',
  '../../x',
  '#',
  'x;reboot',
  '$(reboot)',
  'line\nbreak',
  '"quoted"',
  '\\',
  '\u0000',
  '\ud800',
  '\u{1f4a9}',
  'x'.repeat(5_000),
  '10.22.0.0/24',
  '10.22.0.256',
  '0.0.0.0/0',
  '::/0',
  'fd00::/8',
  'fe80::1%eth0',
  'ff:ff:ff:ff:ff:ff',
  '02:00:00:00:00:05',
  'br1',
  'eth0',
  'host-local',
  '1.1.0',
  '0.2.0',
  '9.9.9',
  [],
  [[]],
  [[{ subnet: '10.9.0.0/30' }]],
  {},
  { type: 'host-local' },
  { mac: 'x', ips: ['10.22.0.7'], cni: { mac: 5 } },
  { __proto__: null, toString: 5, constructor: 'x' },
];

const keys = [
  'mtu',
  'vlan',
  'args',
  'runtimeConfig',
  'prevResult',
  'dns',
  'ipam',
  'name',
  'cni.dev/valid-attachments',
  'bridge',
  'registry',
];

type Call = { readonly verb: Verb; readonly env: Record<string, string | undefined>; readonly stdin: string };

/** A call that is right but for one to three mutations. */
function mutate(conf: object, container: string, random: Random): Call {
  const verb = random.pick(verbs);
  const call = { verb, env: toEnvironment(verb, container, {}), stdin: JSON.stringify(conf) };
  const mutations = 1 + random.below(3);
  return Array.from({ length: mutations }).reduce<Call>((mutated) => mutateOnce(mutated, random), call);
}

function mutateOnce(call: Call, random: Random): Call {
  const kind = random.below(10);
  if (kind < 3) return { ...call, env: mutateEnvironment(call.env, random) };
  return { ...call, stdin: kind < 8 ? mutateJson(call.stdin, random) : mutateText(call.stdin, random) };
}

function mutateEnvironment(env: Call['env'], random: Random): Call['env'] {
  const name = random.pick([
    'CNI_COMMAND',
    'CNI_CONTAINERID',
    'CNI_NETNS',
    'CNI_IFNAME',
    'CNI_PATH',
    'CNI_ARGS',
  ]);
  const value = random.pick(values);
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('\u0000', '?');
  return { ...env, [name]: random.below(5) === 0 ? undefined : text };
}

/** Sets, adds or removes one field, somewhere in the document. */
function mutateJson(text: string, random: Random): string {
  const document = parseOrUndefined(text);
  if (typeof document !== 'object' || document === null) return text;
  let place = document as Record<string, unknown>;
  while (random.below(2) === 0) {
    const inner = Object.values(place).filter((value) => typeof value === 'object' && value !== null);
    if (inner.length === 0) break;
    place = random.pick(inner) as Record<string, unknown>;
  }
  const key = random.pick([...Object.keys(place), random.pick(keys)]);
  if (random.below(5) === 0) delete place[key];
  else place[key] = random.pick(values);
  return JSON.stringify(document);
}

/** Cuts, doubles or replaces a piece of the text. */
function mutateText(text: string, random: Random): string {
  const from = random.below(text.length + 1);
  const to = Math.min(text.length, from + random.below(8));
  const piece = random.pick([
    '',
    text.slice(from, to).repeat(2),
    '\u0000',
    '\u00ff',
    '{',
    '"',
    ',',
    '['.repeat(200),
  ]);
  return random.below(4) === 0 ? text.slice(0, from) : text.slice(0, from) + piece + text.slice(to);
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Plugins see a machine that is read-only but for the test's directory, which is its /var/lib, too, and the records of
 * rules: a mutation may make any path of dataDir, or take it away, and the default is below /var/lib.
 */
function protectMachine({ dir, way }: Rig): void {
  mkdirSync(`${dir}/var-lib`);
  mkdirSync(recordsDirectory, { recursive: true, mode: 0o700 });
  const binds = [
    [dir, dir],
    [`${dir}/var-lib`, '/var/lib'],
    [recordsDirectory, recordsDirectory],
  ].map(([from, to]) => `mount --bind ${from} ${to}`);
  way.mount([...binds, 'mount -o remount,ro,bind /'].join('\n'));
}

async function invoke(rig: Rig, { env, stdin }: Call, verb: string | undefined = env.CNI_COMMAND) {
  return run({
    ...(await rig.way.entering(`${binDir}/bridge`)),
    stdin,
    env: { ...env, CNI_COMMAND: verb },
  });
}

/** What is wrong with an answer; undefined where it is a success, or an error as the specification has it. */
function problemOf({ status, stdout, stderr }: Awaited<ReturnType<typeof invoke>>): string | undefined {
  if (status !== 0 && status !== 1) return `exit ${status}`;
  if (stderr !== '' && !/^CNI .* plugin/.test(stderr)) return 'something on stderr';
  if (/\n\s+at .+:\d+/.test(stdout) || /\bat \S+ \(.+:\d+:\d+\)/.test(stdout)) return 'a stack trace';
  if (/TypeError|RangeError|ReferenceError|undefined|is not a function/.test(stdout))
    return 'an error of the program';
  if (status === 0) return undefined;
  const { cniVersion, code, msg } = (parseOrUndefined(stdout) ?? {}) as Record<string, unknown>;
  const isError = typeof cniVersion === 'string' && Number.isInteger(code) && typeof msg === 'string';
  return isError ? undefined : 'no CNI error';
}

type Observed = { readonly host: KernelState; readonly leases: object };

async function observe(rig: Rig): Promise<Observed> {
  return { host: await observeState(rig.host), leases: rig.leases() };
}

/** What a mutated ADD has made goes by a DEL with the same words; what a mutated GC has removed is attached again. */
async function takeBack(
  rig: Rig,
  call: Call,
  { conf, standing }: { conf: Conf; standing: string },
  where: string,
) {
  if (call.env.CNI_COMMAND === 'ADD')
    expect(await invoke(rig, call, 'DEL'), where).toMatchObject({ status: 0 });
  if (call.env.CNI_COMMAND !== 'GC') return;
  await rig.del(conf, standing);
  await rig.add(conf, standing);
}

test(
  `mutated calls are answered by a CNI error that changes nothing, or succeed and can be taken back (${count} rounds)`,
  async () => {
    await using rig = await Rig.create();
    protectMachine(rig);
    const random = new Random();
    const [standing, container] = [await rig.container(), await rig.container()];
    const conf = {
      ...dualConf(rig, { ipMasq: true, macspoofchk: true }),
      registry: {
        store: rig.store,
        service: 'web',
        ports: [{ name: 'http', port: 80 }],
        tags: ['one'],
        check: { tcp: true },
      },
      'cni.dev/valid-attachments': [{ containerID: standing, ifname: 'eth0' }],
    };
    await rig.add(conf, standing);
    let before = await observe(rig);
    let refusals = 0;

    for (let round = 0; round < count; round++) {
      const call = mutate(conf, container, random);
      const where = `round ${round} (SEED=${random.seed}): ${JSON.stringify(call)}`;
      const answer = await invoke(rig, call);
      expect(problemOf(answer), `${where} answered ${JSON.stringify(answer)}`).toBeUndefined();
      if (answer.status === 0) {
        await takeBack(rig, call, { conf, standing }, where);
        before = await observe(rig);
        continue;
      }
      refusals++;
      expect(await observe(rig), where).toEqual(before);
    }

    expect(refusals).toBeGreaterThan(count / 4);
    expect(Object.values(rig.leases())).toContain(`${standing}\r\neth0`);
  },
  limitMs(count, 400),
);
