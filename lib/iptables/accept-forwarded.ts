import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Outcome } from '../exec/command.ts';
import type { Machine } from '../exec/machine.ts';
import { withFlock } from '../files/flock.ts';
import { observeForward } from './foreign-drop.ts';
import {
  describeForward,
  type ForwardChain,
  type ForwardKeeper,
  iptablesName,
  isAdmitting,
  renderForwardScript,
} from './forward-script.ts';

type Reach = Pick<Machine, 'run' | 'readProc' | 'sleep'>;

/** The namespace itself is what ADDs at the same time share, so it is what they lock. */
const ownNetns = '/proc/self/ns/net';
const patienceMs = 20_000;

/**
 * Has a chain FORWARD of iptables let through what is marked as a container's; nothing where it does already. One ADD at
 * a time: iptables-nft-restore that is overtaken passes over a chain that it was to make, and leads to it once more.
 * @throws CniError code 999 where iptables is not installed, or does not take it; code 11 while others keep the lock
 */
export function acceptForwarded(keeper: ForwardKeeper, machine: Reach): void {
  withFlock(ownNetns, { sleep: machine.sleep, patienceMs }, () => leadToOurs(keeper, machine));
}

function leadToOurs(keeper: ForwardKeeper, machine: Reach): void {
  let last: Outcome | undefined;
  // Nothing tells beforehand whether a chain of ours is there that nobody leads to: each script demands what it expects.
  for (const hasChain of [false, true]) {
    const chain = observeForward(keeper, machine);
    if (chain === undefined || isAdmitting(chain)) return;
    last = restore(keeper, renderForwardScript(chain, hasChain || chain.jumpsAt !== undefined), machine);
    if (last.status === 0) return;
  }
  const now = observeForward(keeper, machine);
  if (now !== undefined && !isAdmitting(now)) throw refused(keeper, last, now);
}

/** By the variant's own program; where that has no name of its own, by the one that the host has. */
function restore(
  { family, variant }: ForwardKeeper,
  script: readonly string[],
  { run }: Pick<Machine, 'run'>,
): Outcome {
  const command = { args: ['--wait', '5', '--noflush'], stdin: `${script.join('\n')}\n` };
  const outcome = run({ file: `${iptablesName(family)}-${variant}-restore`, ...command });
  return outcome.status === undefined
    ? run({ file: `${iptablesName(family)}-restore`, ...command })
    : outcome;
}

function refused(keeper: ForwardKeeper, last: Outcome | undefined, { dropsAt }: ForwardChain): CniError {
  const how = dropsAt === undefined ? 'by its policy' : `by its rule ${dropsAt}`;
  const stderr = last?.stderr.trim() ?? '';
  const remedy =
    last?.status === undefined
      ? 'install iptables, or have whoever keeps the chain accept what is forwarded'
      : 'see why iptables-restore does not take a rule in front of that';
  return new CniError(
    ErrorCode.internal,
    `${describeForward(keeper)} drops containers' traffic ${how}, and could not be told to let it through: ${remedy}`,
    { details: stderr },
  );
}
