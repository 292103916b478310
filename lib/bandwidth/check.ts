import type { Attachment } from '../cni/invocation.ts';
import { wrong } from '../errors/wrong.ts';
import { inquire, outputOf } from '../exec/inquiry.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { observeLink } from '../exec/observe.ts';
import type { IfName } from '../net/ifname.ts';
import type { AddTokenBucket } from '../tc/operation.ts';
import { parseQdiscs, parseRedirects, type Qdisc } from '../tc/parse.ts';
import type { Device, Shaping } from './shaping.ts';

/**
 * Whether the limits are in force: buckets with their rates, and the way through the device.
 * @throws CniError code 999 naming the first difference
 */
export function checkShaping(shaping: Shaping, attachment: Attachment, machine: Machine): void {
  const problem = problemsOf(shaping, machine).find((each) => each !== undefined);
  if (problem === undefined) return;
  const { containerId, ifName } = attachment;
  throw wrong(`the limit of bandwidth of ${ifName} of container ${containerId} is not in force: ${problem}`);
}

/** Lazy: what is asked later may presuppose what was asked before. */
function* problemsOf({ hostEnd, ingress, egress }: Shaping, machine: Machine): Generator<string | undefined> {
  yield hostEndProblem(hostEnd, machine);
  if (ingress !== undefined) yield bucketProblem(ingress, machine);
  if (egress === undefined) return;
  yield deviceProblem(egress.device, machine);
  yield bucketProblem(egress.bucket, machine);
  yield wayProblem(hostEnd, egress.device.name, machine);
}

function hostEndProblem(hostEnd: IfName, machine: Machine): string | undefined {
  return hasInterface(machine, hostEnd) ? undefined : `there is no ${hostEnd} on the host`;
}

function deviceProblem({ name }: Device, machine: Machine): string | undefined {
  const found = observeLink(machine, name);
  if (found === undefined) return `there is no ${name} on the host`;
  if (found.kind !== 'ifb') return `${name} is no ifb device`;
  return found.isUp ? undefined : `${name} is down`;
}

function bucketProblem(bucket: AddTokenBucket, machine: Machine): string | undefined {
  const { link } = bucket;
  const root = parseQdiscs(ask(machine, 'qdisc', link)).find(({ isRoot }) => isRoot);
  if (root === undefined || root.kind !== 'tbf') return `${link} has no token bucket`;
  return isSameBucket(root, bucket) ? undefined : `the token bucket of ${link} has another rate or burst`;
}

/** How long a bucket may take to fill before the kernel tells its size modulo 2^32 ticks of 64 ns. */
const longestTold = (2 ** 32 * 64) / 1e9;

/** The kernel keeps a burst in ticks, so it tells it some bytes short. */
function isSameBucket(found: Qdisc, { rate, burst }: AddTokenBucket): boolean {
  const bytesPerSecond = Math.floor(rate / 8);
  if (found.rate !== bytesPerSecond) return false;
  if (burst / bytesPerSecond >= longestTold) return true;
  const tickBytes = (bytesPerSecond * 64) / 1e9;
  return Math.abs((found.burst ?? 0) - burst) <= Math.max(tickBytes, burst / 1000) + 1;
}

function wayProblem(hostEnd: IfName, device: IfName, machine: Machine): string | undefined {
  const [first] = parseRedirects(ask(machine, 'filter', hostEnd));
  return first === device ? undefined : `what ${hostEnd} receives is not led to ${device}`;
}

function ask(machine: Machine, what: 'qdisc' | 'filter', link: IfName): string {
  const place = what === 'filter' ? ['ingress'] : [];
  return inquire(outputOf('tc', ['-j', what, 'show', 'dev', link, ...place]), machine.run);
}
