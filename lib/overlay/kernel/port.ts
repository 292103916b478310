import type { Link } from '../../iproute/parse.ts';
import { parseIfName } from '../../net/ifname.ts';
import type { OverlayMode } from './plane.ts';
import type { DeviceWish } from './wish.ts';

/** The wish that is carried out, and what an operator is to be told. */
export type Port = { readonly device: DeviceWish; readonly problem: string | undefined };

/**
 * In mode l2 the device stays in the bridge that it is a port of: a network's plugin may have put it there, and its
 * containers would lose the others. Pure.
 */
export function keepMaster(mode: OverlayMode, wish: DeviceWish, found: Link | undefined): Port {
  const master = mode === 'l2' ? parseIfName(found?.master ?? '') : undefined;
  if (master === undefined || master === wish.master) return { device: wish, problem: undefined };
  return {
    device: { ...wish, master },
    problem: wish.master === undefined ? undefined : describe(wish.name, master, wish.master),
  };
}

function describe(name: string, master: string, wished: string): string {
  return (
    `${name} is a port of the bridge ${master}, and the agent's "overlay.bridge" is ${wished}: ` +
    `give both the same name, or take it out ("ip link set dev ${name} nomaster")`
  );
}
