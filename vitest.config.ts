import { defineConfig } from 'vitest/config';

const project = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], environment: 'node', ...extra },
});

/** Tests that call plugins: with an installation whose calls an agent can serve, for those that ask for it. */
const calling = (name: string, extra: object = {}) =>
  project(name, {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: 'test/support/install-resident.ts',
    ...extra,
  });

/** The same tests once more, with every call handed to an agent; but not those that would say nothing new that way. */
const resident = (name: string, except: readonly string[]) =>
  calling(`${name}-resident`, {
    include: [`test/${name}/**/*.test.ts`],
    exclude: except.map((file) => `test/${name}/${file}.test.ts`),
    env: { FAIRLEAD_WAY: 'resident' },
    maxWorkers: 2,
  });

const aboutCalls = [
  // Of both ways already.
  ...['resident-*', 'cni-workers'],
  // They kill the process that a call is; resident-kill kills a worker instead.
  ...['kill', 'registry-kill'],
  // They have tools fail at each step; a worker that uses tools does so in the very same steps.
  ...['failing-step', 'routed-failing-step', 'vxlan-failing-step'],
  // Its limit is a ratio to a whole call; without a process that is less than conntrack takes to be looked through, which is
  // the same for one container as for 300. The bench measures 1,000 attached both ways.
  'portmap-crowd',
];

const withoutCalls = [
  // They are about the executable, or its files.
  ...['install*', 'package', 'service-unit', 'slow-start'],
  // They call plugins of ours and of others on a host that a script makes, in which there is no agent.
  ...['containerd', 'getent'],
  // They attach no container.
  ...[
    'client',
    'discovery',
    'dns',
    'doctor',
    'doctor-breakages',
    'doctor-routed',
    'mirrors-many',
    'overlay-kernel',
    'overlay-lease',
    'overlay-scale',
  ],
  ...['routing-*'],
  // They are about what the agents of several hosts agree upon: whoever has attached the containers, it is the same.
  ...[
    'cluster-harness',
    'discovery-agents',
    'flannel-interop',
    'mirrors-agent',
    'overlay-random',
    'overlay-trouble',
  ],
  ...['routed-bird', 'xds'],
  // It is about nodes on which no agent runs.
  'mirrors-inline',
];

// Contract tests mostly wait for servers, each file for its own.
// Tests of the plugins each have namespaces of their own.
// Integration tests have agents, clusters and time limits as well: they run one file at a time.
export default defineConfig({
  test: {
    projects: [
      project('unit'),
      project('golden'),
      project('contract', { maxWorkers: 4 }),
      calling('plugins', { maxWorkers: 2 }),
      resident('plugins', [...aboutCalls, ...withoutCalls]),
      calling('integration', { fileParallelism: false }),
      resident('integration', [...aboutCalls, ...withoutCalls]),
    ],
  },
});
