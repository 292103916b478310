import { requireContainerNetns } from '../attach/netns.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { toError } from '../exec/inquiry.ts';
import type { Machine } from '../exec/machine.ts';
import { parseLinks } from '../iproute/parse.ts';
import { isLoopback } from '../net/address.ts';
import { type Cidr, formatCidr } from '../net/cidr.ts';
import { loopbackName, observeUsual } from './observe.ts';

/**
 * Sets the container's loopback interface up. After other plugins it passes their result on.
 * @throws CniError code 4 or 8 for a bad namespace, 999 where the interface has an address that others could reach
 */
export function add({ conf, attachment }: AttachmentCall, machine: Machine): Result {
  const { netns } = attachment;
  const prevResult = conf.prevResult();
  requireContainerNetns(attachment, machine);
  const addresses = machine.inNetns(netns, () => observeUsual(machine) ?? setUp(machine));
  const stranger = addresses.find(({ address }) => !isLoopback(address));
  if (stranger !== undefined) throw refused(stranger);
  return prevResult ?? toResult(addresses, netns);
}

/** One process, which also tells what the kernel has given the interface. */
function setUp({ run }: Machine): readonly Cidr[] {
  const args = ['-j', '-batch', '-'];
  const stdin = `link set dev ${loopbackName} up\naddr show dev ${loopbackName}\n`;
  const outcome = run({ file: 'ip', args, stdin });
  if (outcome.status !== 0) throw toError('ip', args, outcome);
  return parseLinks(outcome.stdout).flatMap(({ addresses }) => addresses);
}

function refused(address: Cidr): CniError {
  return new CniError(
    ErrorCode.internal,
    `${loopbackName} of the container has ${formatCidr(address)}, which is no loopback address; remove it there`,
  );
}

/** The first address of each family, as the reference answers. */
function toResult(addresses: readonly Cidr[], netns: string): Result {
  const firsts = ([4, 6] as const).flatMap(
    (family) => addresses.find(({ address }) => address.family === family) ?? [],
  );
  return {
    interfaces: [{ name: loopbackName, mac: '00:00:00:00:00:00', sandbox: netns }],
    ips: firsts.map((address) => ({ address, interface: 0 })),
    routes: [],
    dns: {},
  };
}
