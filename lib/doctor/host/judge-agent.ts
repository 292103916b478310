import type { AgentFile } from '../agent-file.ts';
import { ok, problem, skipped, type Verdict, warning } from '../check.ts';
import type { AgentAnswer } from './ask-health.ts';

export type AgentEvidence = {
  readonly file: AgentFile;
  /** Whether this host is one that has an agent. */
  readonly isExpected: boolean;
  /** From each place where its API is to be. */
  readonly answers: readonly AgentAnswer[];
};

const start =
  'systemctl enable --now fairlead-agent; journalctl -u fairlead-agent says why one that was started has ended';

export function judgeAgent({ file, isExpected, answers }: AgentEvidence): readonly Verdict[] {
  const health =
    answers.length === 0
      ? [skipped('the agent has no API to be asked by')]
      : judgeAnswers(answers, isExpected);
  return [...judgeFile(file), ...health];
}

function judgeFile({ path, trouble }: AgentFile): readonly Verdict[] {
  if (trouble === undefined) return [];
  const found = `the agent's configuration: ${trouble.because}`;
  return [trouble.kind === 'unreadable' ? skipped(found) : problem(found, `correct ${path}`)];
}

/** One agent may be asked in several places: it runs where one of them answers. */
function judgeAnswers(answers: readonly AgentAnswer[], isExpected: boolean): readonly Verdict[] {
  const answered = answers.find((answer) => answer.kind === 'answered');
  if (answered !== undefined) return judgeHealth(answered);
  const unclear = answers.find((answer) => answer.kind === 'unclear');
  if (unclear !== undefined)
    return [skipped(`the agent at ${unclear.api} could not be asked: ${unclear.because}`)];
  const places = answers.map(({ api }) => api).join(', ');
  return isExpected
    ? [problem(`nobody answers at ${places}: the agent does not run`, start)]
    : [skipped(`no agent here: nobody answers at ${places}`)];
}

function judgeHealth({ api, problems }: Extract<AgentAnswer, { kind: 'answered' }>): readonly Verdict[] {
  if (problems.length === 0) return [ok(`it runs and is well, by ${api}`)];
  return problems.map((each) =>
    warning(
      `it runs, and says: ${each}`,
      'fairlead overlay status, and journalctl -u fairlead-agent, say more',
    ),
  );
}
