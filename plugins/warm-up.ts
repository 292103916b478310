import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createHostLocal } from '../ipam/host-local/plugin.ts';
import { createBridgePlugin } from '../lib/bridge/plugin.ts';
import type { Capability } from '../lib/capability/capability.ts';
import { dispatch, type Plugin } from '../lib/cni/dispatch.ts';
import type { Command, Outcome } from '../lib/exec/command.ts';
import type { Machine } from '../lib/exec/machine.ts';
import { noShortcut } from '../lib/exec/shortcut.ts';
import { createPointToPointPlugin } from '../lib/point-to-point/plugin.ts';
import type { Statements } from '../lib/registry/database.ts';
import type { TellingParts } from '../lib/registry/outside/outside.ts';
import { createStore } from '../lib/registry/sqlite-store.ts';
import { withRegistry } from '../lib/registry/with-registry.ts';
import { openRecords } from '../lib/rules/records.ts';
import { bridge } from './bridge/plugin.ts';
import { ptp } from './ptp/plugin.ts';
import { routed } from './routed/plugin.ts';

/**
 * Runs ADD and DEL of every plugin against a machine of paper, while the executable's snapshot is being built: what
 * has run once is in the snapshot as bytecode, and an ADD need not compile it (7 ms of 44, measured).
 */
export function warmUp(capabilities: readonly Capability[]): void {
  const dir = mkdtempSync(`${tmpdir()}/fairlead-build-`);
  try {
    const machine = createPaperMachine();
    const hostLocal = createHostLocal(machine);
    const registrar = createPaperRegistrar(machine);
    const records = openRecords(`${dir}/rules`, () => 1);
    const parts = { machine, selectIpam: () => hostLocal, records, capabilities };
    const attaching = [
      createBridgePlugin({ kind: bridge, ...parts }),
      ...[ptp, routed].map((kind) => createPointToPointPlugin({ kind, ...parts })),
    ];
    const registering = attaching.map((plugin) => withRegistry(plugin, registrar));
    for (const plugin of [...registering, hostLocal]) {
      for (const verb of ['ADD', 'DEL']) call(plugin, verb, `${dir}/networks`);
    }
  } finally {
    rmSync(dir, { recursive: true });
    letTimersPass();
  }
}

/** More than the 1,000 ms for which proper-lockfile sets its timers. */
const timersPassMs = 1_500;

/**
 * Keeps the build's process until every timer of the warm-up would have been due. Node drops the list of an unreferenced
 * timer that was cleared only then; one that got into the snapshot, with the time when it was due, would have no timer
 * fire in a process that is older than that when it makes its first one.
 */
function letTimersPass(): void {
  setTimeout(() => undefined, timersPassMs);
}

function call(plugin: Plugin, verb: string, dataDir: string): void {
  const conf = {
    cniVersion: '1.1.0',
    name: 'paper',
    type: 'bridge',
    isDefaultGateway: true,
    ipMasq: true,
    macspoofchk: true,
    ipspoofchk: true,
    ingressPolicy: 'same-bridge',
    sysctl: { 'net.core.somaxconn': '500' },
    runtimeConfig: {
      portMappings: [
        { hostPort: 8080, containerPort: 80, protocol: 'tcp' },
        { hostPort: 8053, containerPort: 53, protocol: 'udp', hostIP: '127.0.0.1' },
      ],
      bandwidth: { ingressRate: 1_000_000, ingressBurst: 1_000_000 },
    },
    // Whatever the machine that builds is configured for, there are no mirrors.
    registry: { mirrors: `${dataDir}/mirrors.json` },
    ipam: {
      type: 'host-local',
      dataDir,
      ranges: [[{ subnet: '10.1.0.0/24' }], [{ subnet: 'fd00::/64' }]],
      routes: [{ dst: '10.0.0.0/8' }],
    },
  };
  const env = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: 'paper',
    CNI_NETNS: '/run/netns/paper',
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/opt/cni/bin',
    CNI_ARGS: 'IgnoreUnknown=1',
  };
  let answer = '';
  const status = dispatch(plugin, {
    env,
    readStdin: () => JSON.stringify(conf),
    writeStdout: (text) => {
      answer += text;
    },
  });
  if (status !== 0) throw new Error(`warming up: ${verb} of ${plugin.name} answered ${answer}`);
}

/** A database that knows nothing: SQLite's own handles cannot be in a snapshot. */
const paperDatabase: Statements = {
  run: () => undefined,
  all: () => [],
  each: function* () {},
  first: () => undefined,
  read: (work) => work(),
  write: (work) => work(),
  close: () => undefined,
};

function createPaperRegistrar(machine: Machine): TellingParts {
  return {
    machine,
    openStore: (path) => createStore({ path, bootId: 'paper', node: () => 'paper', database: paperDatabase }),
    warn: () => undefined,
    executable: '/opt/cni/bin/fairlead',
    nowUs: () => Number(process.hrtime.bigint() / 1000n),
  };
}

function createPaperMachine(): Machine {
  return {
    run: answerOf,
    startDetached: () => ({
      hasEnded: () => true,
      status: () => 0,
      hasSocket: () => false,
      hasComplained: () => false,
    }),
    shortcut: noShortcut,
    inNetns: (_path, work) => work(),
    identifyNetns: () => ({ device: 1, inode: 2 }),
    identifyOwnNetns: () => ({ device: 1, inode: 1 }),
    readProc: () => '1',
    writeProc: () => undefined,
    forgetFlows: () => undefined,
    findNftTables: () => [],
    findNftChains: () => [],
    sleep: () => undefined,
  };
}

const paperBridge = [
  {
    ifname: 'cni0',
    flags: ['UP'],
    mtu: 1500,
    address: '02:00:00:00:00:01',
    linkinfo: { info_kind: 'bridge', info_data: {} },
    addr_info: [{ family: 'inet', local: '10.1.0.1', prefixlen: 24 }],
  },
];

function answerOf({ file, args }: Command): Outcome {
  const lists = file === 'nft' && args.includes('-j');
  const stdout = file === 'ip' && args.includes('show') ? JSON.stringify(paperBridge) : '';
  return { status: 0, stdout: lists ? JSON.stringify({ nftables: [] }) : stdout, stderr: '' };
}
