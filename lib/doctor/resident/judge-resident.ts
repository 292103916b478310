import type { FallbackReason } from '../../resident/fallbacks.ts';
import type { Hello } from '../../resident/protocol.ts';
import type { FallbackCount } from '../../resident/status.ts';
import { ok, orOk, problem, skipped, type Verdict, warning } from '../check.ts';
import { shellWord } from '../shell-word.ts';
import type { CallSocketAnswer } from './ask-hello.ts';
import type { SeenClients } from './seen-clients.ts';

/** What is seen of clients, of the socket, and of the calls that did not go there. */
export type ResidentEvidence = {
  readonly clients: SeenClients;
  readonly socketPath: string;
  readonly socket: CallSocketAnswer;
  /** What a client that were called here would be greeted with. */
  readonly here: Omit<Hello, 'buildId'>;
  /** Whether the agent's configuration has it serve calls. */
  readonly isConfigured: boolean;
  /** Calls of the last hour that clients have executed by themselves. */
  readonly fallbacks: readonly FallbackCount[];
};

/** Which path CNI calls take: to the agent's workers, where clients are installed, or to an executable each. */
export function judgeResident(evidence: ResidentEvidence): readonly Verdict[] {
  const { clients, socket, isConfigured } = evidence;
  if (clients.names.length === 0) return [judgeWithoutClients(evidence)];
  const installed = judgeInstallation(clients);
  if (socket.kind !== 'greeted') return [...installed, judgeSilence(socket, evidence)];
  const found = `calls of ${clients.names.length} plugins go to the agent${isConfigured ? '' : ', which is not told to by its file'}`;
  return orOk([...installed, ...judgeHello(socket.hello, evidence), ...judgeFallbacks(evidence)], found);
}

function judgeWithoutClients({ clients: { dir }, socket, socketPath }: ResidentEvidence): Verdict {
  const install = `${installIn(dir)} has the agent carry calls out`;
  if (socket.kind === 'greeted')
    return ok(`the agent would serve, and no plugin in ${dir} is a client: ${install}`);
  if (socket.kind === 'foreign')
    return warning(`${socketPath}: ${socket.because}`, `remove ${socketPath}, and find out who has made it`);
  return skipped(`no plugin in ${dir} is a client of the agent: each call starts an executable`);
}

function judgeInstallation({ dir, names, builds, executable }: SeenClients): readonly Verdict[] {
  if (executable === undefined)
    return [
      problem(
        `${names.join(', ')} in ${dir} are clients, and fairlead is not beside them: what the agent does not take, fails`,
        installIn(dir),
      ),
    ];
  if (builds.every((build) => build === executable)) return [];
  return [warning(`the clients in ${dir} are not of the same build as fairlead beside them`, installIn(dir))];
}

const serve = 'write "cni": {} into the configuration of the agent, and systemctl restart fairlead-agent';
const start =
  'systemctl enable --now fairlead-agent; journalctl -u fairlead-agent says what keeps it from serving';

function judgeSilence(
  socket: Exclude<CallSocketAnswer, { kind: 'greeted' }>,
  { socketPath, isConfigured }: ResidentEvidence,
): Verdict {
  switch (socket.kind) {
    case 'absent':
      return warning(
        `nobody takes calls at ${socketPath}: each starts an executable`,
        isConfigured ? start : serve,
      );
    case 'foreign':
      return problem(
        `${socketPath}: ${socket.because}`,
        `remove ${socketPath}, and find out who has made it; the agent then serves within seconds`,
      );
    case 'unclear':
      return warning(
        `${socketPath}: ${socket.because}; each call starts an executable`,
        'systemctl restart fairlead-agent',
      );
  }
}

function judgeHello(hello: Hello, { clients, here }: ResidentEvidence): readonly Verdict[] {
  const isOfBuild = clients.builds.every((build) => build === hello.buildId);
  const places = [
    hello.netNamespace === here.netNamespace ? '' : 'network namespace',
    hello.mountNamespace === here.mountNamespace ? '' : 'mount namespace',
    hello.root === here.root ? '' : 'root directory',
  ].filter((place) => place !== '');
  return [
    ...(isOfBuild ? [] : [judgeBuild(hello, clients)]),
    ...(places.length === 0 ? [] : [judgePlaces(places)]),
  ];
}

function judgeBuild({ buildId }: Hello, { dir, builds }: SeenClients): Verdict {
  const own = builds.map((build) => build.slice(0, 12)).join(', ');
  return warning(
    `the agent is of build ${buildId.slice(0, 12)}, the clients in ${dir} of ${own}: each call starts an executable`,
    `${installIn(dir)} with the later one, and systemctl restart fairlead-agent`,
  );
}

function judgePlaces(places: readonly string[]): Verdict {
  return warning(
    `the agent has another ${places.join(' and ')} than this shell: where the runtime is here, too, each of its calls starts an executable`,
    'use the fairlead-agent.service of this release: no PrivateMounts=, ProtectSystem= or ReadWritePaths= (systemctl cat fairlead-agent)',
  );
}

/** What helps against each; `absent` and `dropped` come with every restart of the agent, and pass. */
const remedies: Readonly<Partial<Record<FallbackReason, string>>> = {
  refused: 'call plugins as root, as container runtimes do',
  foreign: 'find out who has put a socket there: only root can',
  differs:
    'clients and agent of one build, in the namespaces of the host: fairlead install --resident, systemctl restart fairlead-agent',
  silent: 'more "workers" in the block "cni" of the configuration of the agent',
  large: 'shorter configurations: a call of more than 4 MiB is executed',
  lost: 'journalctl -u fairlead-agent says why a worker has ended',
};

function judgeFallbacks({ fallbacks }: ResidentEvidence): readonly Verdict[] {
  return fallbacks.flatMap(({ reason, count }) => {
    const remedy = remedies[reason];
    if (remedy === undefined) return [];
    return [warning(`clients have executed calls by themselves (${reason}, ${count} times)`, remedy)];
  });
}

function installIn(dir: string): string {
  return `fairlead install --resident --dir ${shellWord(dir)}`;
}
