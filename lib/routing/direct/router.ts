import { Drift } from '../../daemon/drift.ts';
import type { OwnHost } from '../../exec/apply.ts';
import { inquireAsync } from '../../exec/inquiry.ts';
import { carryOut } from '../../exec/reconciled.ts';
import type { Log } from '../../log/log.ts';
import type { Plan } from '../../plan/operation.ts';
import { observeHost, observeRoutes } from '../host-kernel.ts';
import { passableOf } from '../passable.ts';
import type { Reachability, Router, RoutingStatus } from '../router.ts';
import { wantedOf } from '../wanted.ts';
import { planDirect, routeIdentity } from './plan.ts';
import { directAnnounced, directRoutes } from './status.ts';
import type { OverlayWay } from './way.ts';
import { type DirectWish, directWish } from './wish.ts';

export type DirectRouterParts = {
  readonly host: OwnHost;
  /** How hosts are reached that are on no link of this one. */
  readonly overlayWay: OverlayWay;
  readonly log: Log;
};

/** The agent writes the routes to the other hosts itself. */
export function createDirectRouter(parts: DirectRouterParts): Router {
  return new DirectRouter(parts);
}

class DirectRouter implements Router {
  readonly #parts: DirectRouterParts;
  readonly #drift: Drift;
  /** What was aimed at last, as text; empty while it was not reached. */
  #reached = '';
  #status: Pick<RoutingStatus, 'announced' | 'routes' | 'problems'> = {
    announced: [],
    routes: [],
    problems: [],
  };

  constructor(parts: DirectRouterParts) {
    this.#parts = parts;
    this.#drift = new Drift(parts.log);
  }

  async apply(reachability: Reachability): Promise<readonly string[]> {
    const { host, overlayWay } = this.#parts;
    const kernel = await inquireAsync(observeHost(), host.run);
    const { attached } = kernel;
    const passable = passableOf(reachability, attached);
    const { own } = passable.reachability;
    const wish = directWish(wantedOf(passable.reachability), own, { attached, overlayWay });
    const { plan, problems } = planDirect(wish.routes, kernel);
    const done = await this.#carryOut(plan, wish);
    const all = [...passable.problems, ...wish.problems, ...problems, ...done];
    const table = plan.length === 0 ? kernel.routes : await inquireAsync(observeRoutes(), host.run);
    this.#status = {
      announced: directAnnounced(own, table),
      routes: directRoutes(wish, table),
      problems: all,
    };
    this.#reached = all.length === 0 ? aimOf(wish) : '';
    return all;
  }

  status(): RoutingStatus {
    return { mode: 'direct', ...this.#status, drift: this.#drift.status };
  }

  async #carryOut(plan: Plan, wish: DirectWish): Promise<readonly string[]> {
    const { done, problems } = await carryOut(plan, this.#parts.host);
    if (aimOf(wish) === this.#reached) this.#drift.note(done);
    return problems;
  }
}

function aimOf({ routes }: DirectWish): string {
  return routes.map(routeIdentity.textOf).join('\n');
}
