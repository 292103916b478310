import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { CniStatus } from '../../lib/resident/status.ts';
import { executablesDir, limitMs, rounds } from '../support/binaries.ts';
import { CurrentAgent } from '../support/call-agent-current.ts';
import { buildOther } from '../support/other-build.ts';
import { must } from '../support/process.ts';
import { ResidentHost } from '../support/resident-host.ts';
import { expectNothingLeft, requireSoakParts, soakConf } from '../support/soak.ts';
import { startCallers } from '../support/soak-callers.ts';

/** Later than any of this tree. */
const otherVersion = '999.0.0';

/** Each up to another build, or back down. */
const changes = rounds({ short: 2, soak: 40 });

/** While callers call, in milliseconds. */
const phaseMs = 1_000;

test(
  `no call fails while another build is installed under load, and its agent takes over (${changes} times)`,
  async (context) => {
    await requireSoakParts(context);
    using other = await buildOther(otherVersion);
    await using host = await ResidentHost.create(16);
    const binDir = `${host.rig.dir}/cni`;
    mkdirSync(binDir);
    await using agent = new CurrentAgent(host, binDir);
    await install(executablesDir, binDir);
    let current = await agent.start();
    const plan = { conf: soakConf(host.rig), pairs: 1e9, callers: 8, seed: 1, seconds: changes * 30 };
    await using callers = startCallers(host, { ...plan, binDir });

    const statuses: CniStatus[] = [];
    for (let change = 0; change < changes; change++) {
      await sleep(phaseMs);
      // An earlier build than the installed one is put there only by force.
      if (change % 2 === 0) await install(other.binDir, binDir);
      else await install(executablesDir, binDir, '--force');
      await sleep(phaseMs);
      statuses.push(await current.status());
      expect(await agent.end('SIGTERM')).toBe(0);
      current = await agent.start();
    }
    await sleep(phaseMs);
    statuses.push(await current.status());
    callers.stop();
    const summary = await callers.summary;

    const { pairs, slowestMs } = summary;
    const reasons = statuses.map(reasonsOf);
    console.log(`resident upgrade: ${JSON.stringify({ pairs, slowestMs, reasons })}`);
    expect(summary).toMatchObject({ twice: [], failedAdds: [], failedDels: [], givenUp: [] });
    // Each agent has served the clients of its own build, and those of the next have executed theirs.
    expect(statuses.map(servedBy)).not.toContain(0);
    for (const each of reasons.slice(0, -1)) expect(each).toContain('differs');
    expect(expectedReasons).toEqual(expect.arrayContaining(reasons.flat()));
    expect(await agent.end('SIGTERM')).toBe(0);
    await expectNothingLeft(host);
  },
  limitMs(changes, 30_000) + 120_000,
);

/** Another build than the agent's; nobody who listens; an agent that ends before it has taken the call. */
const expectedReasons = ['differs', 'absent', 'dropped'];

async function install(from: string, dir: string, ...options: readonly string[]): Promise<void> {
  await must(`${from}/fairlead`, ['install', '--resident', '--dir', dir, ...options]);
}

/** How many calls its workers have carried out. */
function servedBy({ calls }: CniStatus): number {
  return calls.reduce((sum, { path, count }) => (path === 'resident' ? sum + count : sum), 0);
}

function reasonsOf({ fallbacks }: CniStatus): readonly string[] {
  return fallbacks.map(({ reason }) => reason);
}
