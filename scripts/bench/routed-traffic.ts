import { type Attached, Cluster, type Host } from '../../test/support/cluster.ts';
import { inside, must } from '../../test/support/process.ts';
import { addRouted, joinRouted } from '../../test/support/routed-cluster.ts';
import { alternate, createSeries } from './alternate.ts';
import { type Context, roundsOf } from './context.ts';
import { measureBetween, medianTraffic, type TrafficEnd, type TrafficFigures } from './traffic.ts';

/** Between two hosts on one underlay. */
export type RoutedTraffic = {
  /** From host to host. */
  readonly hosts: TrafficFigures;
  /** Between namespaces behind a veth pair and a route of each host, and nothing else. */
  readonly wiredByHand: TrafficFigures;
  /** Between containers of `routed`. */
  readonly containers: TrafficFigures;
};

/** Of the rounds of a run: a round of this takes as long as a hundred calls of a plugin. */
const share = 4;

/** What gets from a container of one host to one of another, beside what gets from host to host, alternating. */
export async function measureRoutedTraffic(context: Context): Promise<RoutedTraffic> {
  await using cluster = await Cluster.create({ hosts: 2 });
  const [one, other] = [cluster.host(1), cluster.host(2)];
  await joinRouted(cluster);
  const [from, to] = [endOf(await addRouted(one)), endOf(await addRouted(other))];
  const [near, far] = [await wireByHand(one, other), await wireByHand(other, one)];
  const containers = createSeries(() => measureBetween(from, to));
  const wiredByHand = createSeries(() => measureBetween(near, far));
  const hosts = createSeries(() => measureBetween(one, other));
  const count = Math.max(3, Math.round(context.rounds / share));
  const all = [containers, wiredByHand, hosts];
  await alternate(all, { ...roundsOf(context, 'routed beside the bare underlay'), count });
  return {
    hosts: medianTraffic(hosts.samples),
    wiredByHand: medianTraffic(wiredByHand.samples),
    containers: medianTraffic(containers.samples),
  };
}

function endOf({ netns, addresses: [address = ''] }: Attached): TrafficEnd {
  return { netns, address };
}

/** A namespace with the least that leads to it, of which the other host knows. */
async function wireByHand(host: Host, other: Host): Promise<TrafficEnd> {
  const netns = await host.rig.container();
  const [gateway, address] = [1, 2].map((end) => `10.99.${host.number}.${end}`);
  if (gateway === undefined || address === undefined) throw new Error('a pair has two ends');
  await batch(host.netns, [
    `link add name hand type veth peer name eth0 netns ${netns}`,
    `addr add ${gateway}/30 dev hand`,
    'link set dev hand up',
  ]);
  await batch(netns, [
    `addr add ${address}/30 dev eth0`,
    'link set dev eth0 up',
    `route add default via ${gateway}`,
  ]);
  await batch(other.netns, [`route add 10.99.${host.number}.0/30 via ${host.address}`]);
  return { netns, address };
}

async function batch(netns: string, lines: readonly string[]): Promise<void> {
  await must('nsenter', inside(netns, 'ip', '-batch', '-'), `${lines.join('\n')}\n`);
}
