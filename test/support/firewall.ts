import { ipsOf } from './confs.ts';
import { mustInside, tryInside } from './process.ts';
import type { CniResult, Conf, Rig } from './rig.ts';

/** By which door the firewall is asked: by its executable after bridge, or by a field of bridge's own. */
export type Door = 'chained' | 'own';

/** Both. */
export const doors: readonly Door[] = ['chained', 'own'];

/** Attaches a container. @returns the result, and its bare addresses */
export async function attach(
  rig: Rig,
  door: Door,
  conf: Conf,
  fields: object,
): Promise<CniResult & { ip: readonly string[] }> {
  const container = await rig.container();
  const attached = await rig.add(door === 'own' ? { ...conf, ...fields } : conf, container);
  const result = door === 'own' ? attached : await rig.add(chained(conf, attached, fields), container);
  return { ...result, ip: ipsOf(result) };
}

/** The firewall's own configuration after a main plugin. */
export function chained(conf: Conf, prevResult: object, fields: object): Conf {
  return { cniVersion: '1.1.0', name: conf.name ?? 'net', type: 'firewall', prevResult, ...fields };
}

/** The name of a result's container. */
export function nameOf(result: CniResult): string {
  return result.interfaces?.at(-1)?.sandbox?.replace('/run/netns/', '') ?? '';
}

const client = 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1.5)';

/** Whether a TCP connection comes about. */
export async function reaches(from: string, to: string, port = 8080): Promise<boolean> {
  return (await tryInside(from, '/usr/bin/python3', '-c', client, to, `${port}`)).status === 0;
}

/** Whether connections come about by each of the addresses. */
export async function reachesEach(from: string, addresses: readonly string[]): Promise<readonly boolean[]> {
  return Promise.all(addresses.map((address) => reaches(from, address)));
}

/** Leads port 9090 of the host to a container. */
export async function publish(rig: Rig, to: string): Promise<void> {
  const chains = [
    'chain ip published pre { type nat hook prerouting priority dstnat; }',
    'chain ip published post { type nat hook postrouting priority srcnat; }',
    `rule ip published pre tcp dport 9090 dnat to ${to}:8080`,
    'rule ip published post ct status dnat masquerade',
  ];
  await mustInside(
    rig.host,
    'nft',
    ['add table ip published', ...chains.map((line) => `add ${line}`)].join('; '),
  );
}
