import { Cluster } from '../../test/support/cluster.ts';
import { addRouted, joinRouted } from '../../test/support/routed-cluster.ts';
import { alternate, createSeries } from './alternate.ts';
import { type Context, roundsOf } from './context.ts';
import { measureBetween, medianTraffic, type TrafficFigures } from './traffic.ts';

/** Containers of two hosts, and the two hosts themselves, over one underlay. */
export type RoutedTraffic = { readonly containers: TrafficFigures; readonly hosts: TrafficFigures };

/** Of the rounds of a run: a round of this takes as long as a hundred calls of a plugin. */
const share = 4;

/** What gets from a container of one host to one of another, beside what gets from host to host, alternating. */
export async function measureRoutedTraffic(context: Context): Promise<RoutedTraffic> {
  await using cluster = await Cluster.create({ hosts: 2 });
  const [one, other] = [cluster.host(1), cluster.host(2)];
  await joinRouted(cluster);
  const [from, to] = [await addRouted(one), await addRouted(other)];
  const endOf = ({ netns, addresses: [address = ''] }: typeof from) => ({ netns, address });
  const containers = createSeries(() => measureBetween(endOf(from), endOf(to)));
  const hosts = createSeries(() => measureBetween(one, other));
  const count = Math.max(3, Math.round(context.rounds / share));
  await alternate([containers, hosts], { ...roundsOf(context, 'routed beside the bare underlay'), count });
  return { containers: medianTraffic(containers.samples), hosts: medianTraffic(hosts.samples) };
}
