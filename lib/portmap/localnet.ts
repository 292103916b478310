import { type Endpoint, linkTo } from '../capability/endpoint.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';
import { sysctlPath } from '../net/sysctl.ts';
import type { Step } from '../plan/operation.ts';
import type { Portmap } from './config.ts';
import { hostPortsAt } from './rules.ts';

type Proc = Pick<Machine, 'readProc'>;

/**
 * Lets the host reach its own port by 127.0.0.1: the kernel leads such a packet to no other interface unless it is told.
 * Comes after the rules, whose guard keeps others from reaching the host by it. IPv6 has no such setting.
 */
export function planLocalnet(wish: Portmap, endpoint: Endpoint, machine: Proc): readonly Step[] {
  const path = settingOf(wish, endpoint);
  if (path === undefined || machine.readProc(`/proc/sys/net/${path}`) === '1') return [];
  return [{ place: 'host', operation: { kind: 'set-sysctl', path, value: '1', ifPresent: true } }];
}

/** @throws CniError code 999 where somebody has closed it */
export function checkLocalnet(wish: Portmap, endpoint: Endpoint, machine: Proc): void {
  const path = settingOf(wish, endpoint);
  if (path === undefined || machine.readProc(`/proc/sys/net/${path}`) !== '0') return;
  throw new CniError(
    ErrorCode.internal,
    `/proc/sys/net/${path} is 0: the host does not reach its ports by 127.0.0.1; set it to 1, or DEL and ADD the container again`,
  );
}

/** Undefined where nothing of it is wanted. */
function settingOf(wish: Portmap, endpoint: Endpoint): string | undefined {
  const name = linkTo(endpoint);
  if (name === undefined || wish.sourceChange === 'none') return undefined;
  const isLed = hostPortsAt(wish, endpoint).some(({ family }) => family === 4);
  return isLed ? sysctlPath('ipv4', name, 'route_localnet') : undefined;
}
