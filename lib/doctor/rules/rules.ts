import { setTimeout as sleep } from 'node:timers/promises';
import { createJudge } from '../../attach/liveness.ts';
import { messageOf } from '../../errors/cni-error.ts';
import { inquire } from '../../exec/inquiry.ts';
import type { ListedRules } from '../../rules/listed-rules.ts';
import { planClearing, planRestore } from '../../rules/restore.ts';
import { listedInquiry } from '../../rules/restore-listing.ts';
import { describeRule } from '../../rules/rules.ts';
import { Unseen } from '../ask.ts';
import type { Check } from '../check.ts';
import { askHealth } from '../host/ask-health.ts';
import type { Scene } from '../scene.ts';
import { observeFlushers } from './flushers.ts';
import { judgeRules, type RulesEvidence, type SeenRules } from './judge-rules.ts';

/** Whether the rules of containers are in the kernel as they were written, and who takes them away where they are not. */
export const rules: Check<RulesEvidence> = {
  id: 'rules',
  title: "containers' rules",
  observe: async (scene) => {
    const seen = await lookTwice(scene);
    return { ...seen, keeper: await seekKeeper(scene), flushers: observeFlushers() };
  },
  judge: judgeRules,
};

/** By then a DEL that was under way has ended, and an agent has put back what it puts back. */
const betweenMs = 1_500;

async function lookTwice(scene: Scene): Promise<SeenRules> {
  const first = look(scene);
  if (first.missing.length === 0) return { ...first, wasRestored: false };
  await sleep(betweenMs);
  const second = look(scene);
  return { ...second, wasRestored: second.missing.length === 0 };
}

function look({ machine, records }: Scene): Omit<SeenRules, 'wasRestored'> {
  const judge = createJudge(machine);
  const { dead = [], live = [] } = Object.groupBy(records.list(), ({ proof }) =>
    judge(proof).state === 'dead' ? 'dead' : 'live',
  );
  if (live.length + dead.length === 0)
    return { attachments: 0, missing: [], affected: 0, stale: 0, conflicts: [] };
  const listed = listRules(machine);
  const { shared, own, conflicts } = planRestore(live, listed);
  const missing = [...shared, ...own.flatMap(({ lacking }) => lacking)].map(describeRule);
  const stale = dead.filter((record) => planClearing([record], listed).length > 0).length;
  return { attachments: live.length, missing, affected: own.length, stale, conflicts };
}

/** @throws Unseen */
function listRules({ run }: Scene['machine']): ListedRules {
  try {
    return inquire(listedInquiry(), run);
  } catch (error) {
    throw new Unseen(messageOf(error));
  }
}

/** Whether there is an agent that puts rules back. */
async function seekKeeper(scene: Scene): Promise<RulesEvidence['keeper']> {
  const { api, putsRulesBack } = scene.agentFile();
  const answers = await Promise.all(api.filter((where) => where !== 'none').map(askHealth));
  if (answers.every(({ kind }) => kind === 'absent')) return 'absent';
  return putsRulesBack ? 'running' : 'idle';
}
