import { messageOf } from '../../errors/cni-error.ts';
import type { OwnHost } from '../../exec/apply.ts';
import { inquireAsync } from '../../exec/inquiry.ts';
import { carryOut } from '../../exec/reconciled.ts';
import { formatCidr } from '../../net/cidr.ts';
import type { BgpStatus } from '../bgp-status.ts';
import { type HostLinks, observeLinks, observeRoutes } from '../host-kernel.ts';
import { type Passable, passableOf } from '../passable.ts';
import type { Reachability, Router, RoutingStatus } from '../router.ts';
import type { BirdSettings } from '../settings.ts';
import { wantedOf } from '../wanted.ts';
import { renderBirdConfig } from './config.ts';
import { offerConfig } from './config-file.ts';
import { type BirdControl, tellBird } from './control.ts';
import { ConfigInForce } from './in-force.ts';
import { compareTable } from './kernel.ts';
import { sessionProblems, toNeighbours } from './neighbours.ts';
import { readPasswords } from './passwords.ts';
import { blocksProtocol, kernelProtocol } from './protocols.ts';
import { parseBirdRoutes, parseProtocols } from './reply.ts';
import type { Session } from './sessions.ts';
import { type BirdWish, birdWish } from './wish.ts';

export type BirdRouterParts = {
  readonly settings: BirdSettings;
  readonly host: OwnHost;
};

/** BIRD finds the ways to the other hosts over BGP, and can be asked what it has found. */
export type BirdRouter = Router & { readonly bgp: () => Promise<BgpStatus> };

/** The agent writes BIRD's configuration and has it read; who starts BIRD is the operator's. */
export function createBirdRouter(parts: BirdRouterParts): BirdRouter {
  return new Bird(parts);
}

type Reached = Pick<RoutingStatus, 'announced' | 'routes' | 'problems'>;

class Bird implements BirdRouter {
  readonly #parts: BirdRouterParts;
  readonly #control: BirdControl;
  readonly #inForce: ConfigInForce;
  #wish: BirdWish | undefined;
  #reached: Reached = { announced: [], routes: [], problems: [] };

  constructor(parts: BirdRouterParts) {
    const { settings, host } = parts;
    this.#parts = parts;
    this.#control = { run: host.run, socket: settings.socket };
    this.#inForce = new ConfigInForce(this.#control, settings.configFile);
  }

  async apply(reachability: Reachability): Promise<readonly string[]> {
    const { host } = this.#parts;
    // Not to be guessed: what would take the underlay away must not be offered even once.
    const links = await inquireAsync(observeLinks(), host.run);
    const passable = passableOf(reachability, links.attached);
    const problems = [
      ...passable.problems,
      ...(await this.#attempt(() => this.#offer(passable))),
      ...(await this.#attempt(() => this.#bringInForce())),
      ...(await this.#attempt(() => this.#compare(passable.reachability, links))),
    ];
    this.#reached = { ...this.#reached, announced: passable.reachability.own.map(formatCidr), problems };
    return problems;
  }

  status(): RoutingStatus {
    // BIRD puts back by itself what others take from the kernel.
    return { mode: 'bird', ...this.#reached, drift: { repairs: 0, last: [] } };
  }

  async bgp(): Promise<BgpStatus> {
    const { asn } = this.#parts.settings;
    const { version, routerId } = this.#inForce.state ?? {};
    const named = {
      ...(version === undefined ? {} : { version }),
      ...(routerId === undefined ? {} : { routerId }),
      asn,
    };
    const sessions = this.#wish?.sessions ?? [];
    try {
      return { ...named, ...(await this.#askAbout(sessions)), problems: this.#reached.problems };
    } catch (error) {
      const neighbours = toNeighbours(sessions, [], []);
      return { asn, neighbours, announced: [], problems: [messageOf(error)] };
    }
  }

  /** One part that fails must not keep the others from being tried. */
  async #attempt(work: () => Promise<readonly string[]>): Promise<readonly string[]> {
    try {
      return await work();
    } catch (error) {
      return [messageOf(error)];
    }
  }

  async #offer({ reachability, spared }: Passable): Promise<readonly string[]> {
    const { settings, host } = this.#parts;
    const { wish, problems } = birdWish({ ...reachability, spared }, settings, readPasswords(settings));
    await offerConfig(settings.configFile, renderBirdConfig(wish, settings), host.run);
    this.#wish = wish;
    return problems;
  }

  async #bringInForce(): Promise<readonly string[]> {
    await this.#inForce.ensure();
    const protocols = parseProtocols(await tellBird('show protocols', this.#control));
    return sessionProblems(this.#wish?.sessions ?? [], protocols, Date.now());
  }

  async #compare(reachability: Reachability, { containers }: HostLinks): Promise<readonly string[]> {
    const { host } = this.#parts;
    const kernel = { containers, routes: await inquireAsync(observeRoutes(), host.run) };
    const { routes, problems, plan } = compareTable(wantedOf(reachability), reachability.own, kernel);
    this.#reached = { ...this.#reached, routes };
    return [...problems, ...(await carryOut(plan, host)).problems];
  }

  async #askAbout(sessions: readonly Session[]): Promise<Pick<BgpStatus, 'neighbours' | 'announced'>> {
    const control = this.#control;
    const protocols = parseProtocols(await tellBird('show protocols', control));
    const learned = parseBirdRoutes(await tellBird('show route where source = RTS_BGP', control));
    const known = new Set<string>();
    for (const family of this.#wish?.families ?? []) {
      const own = `proto = "${blocksProtocol(family)}" || proto = "${kernelProtocol(family)}"`;
      for (const { dst } of parseBirdRoutes(await tellBird(`show route where ${own}`, control)))
        known.add(dst);
    }
    const announced = (this.#wish?.own ?? []).map(formatCidr).filter((dst) => known.has(dst));
    return { neighbours: toNeighbours(sessions, protocols, learned), announced };
  }
}
