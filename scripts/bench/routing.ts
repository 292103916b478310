import { createDirectRouter } from '../../lib/routing/direct/router.ts';
import { BirdHost } from '../../test/support/bird.ts';
import type { ClusterHost } from '../../test/support/routing.ts';
import { reachabilityOf } from '../../test/support/routing.ts';
import { RoutingHost } from '../../test/support/routing-host.ts';
import { addressOf, Underlay } from '../../test/support/underlay.ts';
import { alternate, createSeries } from './alternate.ts';
import { type Context, roundsOf } from './context.ts';
import { measureBetween, medianTraffic, type TrafficFigures } from './traffic.ts';

/** What gets through between two hosts, and how long an echo takes. */
export type RoutedTraffic = {
  /** Between the hosts themselves: the most that can be had. */
  readonly underlay: TrafficFigures;
  /** Between a container of each, by routes that the agent writes. */
  readonly direct: TrafficFigures;
  /** The same by routes that BIRD has learned. */
  readonly bird: TrafficFigures;
};

/** Of the rounds of a run: a round of this takes as long as a hundred calls of a plugin. */
const share = 5;

/** Two pairs of hosts on one link, alternating with the link itself. */
export async function measureRoutedTraffic(context: Context): Promise<RoutedTraffic> {
  await using stack = new AsyncDisposableStack();
  const link = stack.use(await Underlay.create());
  const direct = createSeries(await routeDirectly(link, stack));
  const bird = createSeries(await routeByBird(link, stack));
  const [near, far] = [await link.machine(5), await link.machine(6)];
  const underlay = createSeries(() =>
    measureBetween({ netns: near, address: addressOf(5) }, { netns: far, address: addressOf(6) }),
  );
  const count = Math.max(3, Math.round(context.rounds / share));
  await alternate([underlay, direct, bird], { ...roundsOf(context, 'routed traffic'), count });
  return {
    underlay: medianTraffic(underlay.samples),
    direct: medianTraffic(direct.samples),
    bird: medianTraffic(bird.samples),
  };
}

type Take = () => Promise<TrafficFigures>;

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Hosts 1 and 2. */
async function routeDirectly(link: Underlay, stack: AsyncDisposableStack): Promise<Take> {
  const members = [1, 2].map((number): ClusterHost => ({ number }));
  const hosts: RoutingHost[] = [];
  for (const { number } of members) {
    const host = stack.use(await RoutingHost.create(link, number));
    const router = createDirectRouter({ host: host.own, overlayWay: () => undefined, log: silent });
    await router.apply(reachabilityOf(number, members));
    hosts.push(host);
  }
  return betweenContainers(hosts);
}

/** Hosts 3 and 4. */
async function routeByBird(link: Underlay, stack: AsyncDisposableStack): Promise<Take> {
  const members = [3, 4].map((number): ClusterHost => ({ number }));
  const birds: BirdHost[] = [];
  for (const { number } of members) birds.push(stack.use(await BirdHost.create(link, number)));
  for (const bird of birds) await bird.follow(members);
  for (const bird of birds) await bird.start();
  await birds[0]?.awaitRoutes('10.50.4.0/26');
  await birds[1]?.awaitRoutes('10.50.3.0/26');
  return betweenContainers(birds.map(({ host }) => host));
}

async function betweenContainers(hosts: readonly RoutingHost[]): Promise<Take> {
  const ends: { readonly netns: string; readonly address: string }[] = [];
  for (const host of hosts) {
    const address = `10.50.${host.number}.5`;
    ends.push({ netns: await host.container(address), address });
  }
  const [from, to] = ends;
  if (from === undefined || to === undefined) throw new Error('traffic needs two hosts');
  return () => measureBetween(from, to);
}
