import { reference } from './binaries.ts';
import { dualConf, ipamConf, v4, v6 } from './confs.ts';
import { writeSysctl } from './kernel.ts';
import type { Protocol } from './portmap-echo.ts';
import { mustInside } from './process.ts';
import { type Answer, type CallOptions, type Conf, Rig, type Verb } from './rig.ts';
import { routedConf } from './routed.ts';

/** One mapping as a runtime sends it. */
export type MappingConf = {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol?: Protocol;
  readonly hostIP?: string;
};

/** Port 80 of a container by a host port of each protocol. */
export function mappingsOf(hostPort: number, protocols: readonly Protocol[]): readonly MappingConf[] {
  return protocols.map((protocol) => ({ hostPort, containerPort: 80, protocol }));
}

/** A way in which a container gets host ports. */
export type Door = {
  readonly name: string;
  /** Plugins of the reference that it needs. */
  readonly needs: readonly string[];
  /** The containers' addresses, in the order of their ADDs. */
  readonly addresses: readonly (readonly [v4: string, v6: string])[];
  /** Calls the plugins in the verb's order. */
  readonly call: (rig: Rig, verb: Verb, container: string, wish: Wish) => Promise<Answer>;
};

export type Wish = {
  readonly portMappings: readonly MappingConf[];
  /** Other fields of the main plugin's configuration. */
  readonly main?: Conf;
  /** Other fields that are the port map's. */
  readonly fields?: object;
  readonly options?: CallOptions;
};

const usual = [
  [v4.first, v6.first],
  [v4.second, v6.second],
] as const;
const defaults = [{ dst: '0.0.0.0/0' }, { dst: '::/0' }];

function ptpConf(rig: Rig): Conf {
  const ipam = { ...ipamConf(rig, [[{ subnet: v4.subnet }], [{ subnet: v6.subnet }]]), routes: defaults };
  return { cniVersion: '1.0.0', name: 'net', type: 'ptp', ipam };
}

const bridgeConf = (rig: Rig) => dualConf(rig, { cniVersion: '1.0.0' });

/** Results by host, container and interface: CHECK needs them. */
const results = new Map<string, object>();

function keyOf(rig: Rig, container: string, { options }: Wish): string {
  return `${rig.host} ${container} ${options?.ifName}`;
}

/** Host ports asked of the main plugin. */
function capabilityOf(name: string, confOf: (rig: Rig) => Conf, addresses: Door['addresses'] = usual): Door {
  return {
    name: `as a capability of ${name}`,
    needs: [],
    addresses,
    call: async (rig, verb, container, wish) => {
      const key = keyOf(rig, container, wish);
      const { portMappings, main, fields, options } = wish;
      const prevResult = verb === 'CHECK' ? { prevResult: results.get(key) } : {};
      const conf = { ...confOf(rig), runtimeConfig: { portMappings }, ...main, ...fields, ...prevResult };
      const answer = await rig.cni(verb, conf, container, options);
      if (verb === 'ADD' && answer.result !== undefined) results.set(key, answer.result);
      return answer;
    },
  };
}

/** Host ports by our executable after a main plugin. */
function chainedAfter(
  name: string,
  confOf: (rig: Rig) => Conf,
  main: CallOptions,
  needs: readonly string[],
): Door {
  return {
    name: `by the executable after ${name}`,
    needs,
    addresses: usual,
    call: async (rig, verb, container, wish) => {
      const key = keyOf(rig, container, wish);
      const first = { ...confOf(rig), ...wish.main };
      const { cniVersion = '1.0.0', name: network } = first;
      const common = { cniVersion, name: network, type: 'portmap' };
      const runtimeConfig = { portMappings: wish.portMappings };
      const callMain = () => rig.cni(verb, first, container, { ...wish.options, ...main });
      const callPortmap = (prevResult?: object) =>
        rig.cni(verb, { ...common, runtimeConfig, prevResult, ...wish.fields }, container, wish.options);
      if (verb === 'CHECK') return callPortmap(results.get(key));
      if (verb === 'DEL') {
        const answer = await callPortmap();
        return answer.status === 0 ? callMain() : answer;
      }
      const answer = await callMain();
      if (answer.result === undefined) return answer;
      results.set(key, answer.result);
      return callPortmap(answer.result);
    },
  };
}

export const bridgeDoor = capabilityOf('bridge', bridgeConf);

export const chainedDoor = chainedAfter('our bridge', bridgeConf, {}, []);

/** All ways to host ports. */
export const doors: readonly Door[] = [
  bridgeDoor,
  capabilityOf('ptp', ptpConf),
  capabilityOf('routed', routedConf, [
    ['10.50.0.2', 'fd00:50::2'],
    ['10.50.0.3', 'fd00:50::3'],
  ]),
  chainedDoor,
  chainedAfter('the reference’s bridge', bridgeConf, reference('bridge'), ['bridge', 'host-local']),
  chainedAfter('the reference’s ptp', ptpConf, reference('ptp'), ['ptp', 'host-local']),
];

/** A call that must succeed. */
export async function through(
  door: Door,
  rig: Rig,
  verb: Verb,
  container: string,
  wish: Wish,
): Promise<void> {
  const { status, stdout, stderr } = await door.call(rig, verb, container, wish);
  if (status !== 0) throw new Error(`${verb} of ${container} ${door.name}: ${stdout}${stderr}`);
}

/**
 * A host whose loopback interface is up, as every host's is, and which does not look for duplicates of its IPv6 addresses:
 * until it has ended that on a link of the reference's, it resolves nobody there.
 */
export async function portmapHost(): Promise<Rig> {
  const rig = await Rig.create();
  await mustInside(rig.host, 'ip', 'link', 'set', 'dev', 'lo', 'up');
  await writeSysctl(rig.host, 'ipv6/conf/default/accept_dad', '0');
  return rig;
}
