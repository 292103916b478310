import { formatCidr } from '../../net/cidr.ts';
import { isCurrent, type Moment, type SubnetEnv } from '../../overlay/subnet-env/subnet-env.ts';
import { ok, problem, skipped, type Verdict } from '../check.ts';
import { noOverlay } from '../no-overlay.ts';
import type { SubnetFile } from '../subnet-file.ts';

export type SubnetEvidence = {
  readonly hasOverlay: boolean;
  /** Whether the agent's configuration has an overlay, so that there has to be a file. */
  readonly isAgents: boolean;
  readonly file: SubnetFile;
  readonly moment: Moment;
};

const wait =
  'see that the agent (or flanneld) runs and reaches etcd; until it has a subnet, an ADD answers "try again later"';

export function judgeSubnet({ hasOverlay, isAgents, file, moment }: SubnetEvidence): readonly Verdict[] {
  if (!hasOverlay) return noOverlay;
  switch (file.kind) {
    case 'absent':
      return isAgents
        ? [problem(`there is no ${file.path}: this host has no subnet`, wait)]
        : [skipped(`there is no ${file.path}: each network's configuration says what this host has`)];
    case 'unreadable':
      return [skipped(file.because)];
    case 'nonsense':
      return [
        problem(
          file.because,
          `remove ${file.path} and restart the agent (or flanneld), which writes it anew`,
        ),
      ];
    case 'read':
      return [judgeEnv(file.env, file.path, moment)];
  }
}

function judgeEnv(env: SubnetEnv, path: string, moment: Moment): Verdict {
  const subnets = Object.values(env.subnets).map(formatCidr).join(' and ');
  if (isCurrent(env, moment)) return ok(`${subnets} by ${path}${remaining(env, moment)}`);
  const why = isOfEarlierBoot(env, moment) ? 'it was written before the last boot' : 'its lease has ended';
  return problem(`${path} no longer holds for ${subnets}: ${why}`, wait);
}

function isOfEarlierBoot({ bootId }: SubnetEnv, moment: Moment): boolean {
  return bootId !== undefined && bootId !== moment.bootId;
}

function remaining({ bootId, leaseUntilSeconds }: SubnetEnv, { uptimeSeconds }: Moment): string {
  if (bootId === undefined) return ", which is flanneld's: how long it holds does not show";
  if (leaseUntilSeconds === undefined) return '; it does not end';
  return `; it ends in ${Math.round(leaseUntilSeconds - uptimeSeconds)} s unless it is renewed`;
}
