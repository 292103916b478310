import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { type Background, inside, must, run, startBeside } from './process.ts';
import type { Rig } from './rig.ts';

const root = resolve(import.meta.dirname, '../..');
const cache = process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`;
const directory = `${cache}/fairlead/firewalld-1`;

/** How long it may take to fetch its packages where they are not there. */
export const fetchTimeoutMs = 120_000;

/** The directory in which firewalld and what it needs are unpacked; undefined where it cannot be had. */
export async function findFirewalld(): Promise<string | undefined> {
  const script = `. scripts/setup.sh; . scripts/containers.sh; arm_cleanups; need_firewalld ${directory}`;
  const { status } = await run({
    file: 'bash',
    args: ['-euo', 'pipefail', '-c', `cd ${root}; ${script}`],
    env: { PATH: process.env.PATH, HOME: homedir() },
    timeoutMs: fetchTimeoutMs,
  });
  return status === 0 ? directory : undefined;
}

/** A real firewalld on the host of a rig, with a bus of its own, in a mount namespace in which it can write its files. */
export type Firewalld = AsyncDisposable & {
  /** Runs a shell's lines where `firewall-cmd` reaches it. */
  readonly sh: (script: string) => Promise<string>;
};

/** @param unpacked as `findFirewalld` has found it */
export async function startFirewalld({ host }: Rig, unpacked: string): Promise<Firewalld> {
  const alone = [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  const commandLine = [...alone, 'sh', '-ec', script, 'sh', unpacked];
  const service: Background = await startBeside('nsenter', inside(host, ...commandLine));
  const child = (await must('pgrep', ['-P', `${service.pid}`])).trim();
  return {
    sh: (lines) => must('nsenter', ['-t', child, '-m', '-n', '-p', 'sh', '-ec', lines]),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

const bus = `
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/>
    <allow receive_type="error"/><allow receive_type="signal"/>
  </policy>
</busconfig>`;

const script = `
mount -t tmpfs tmpfs /run
mount -t overlay -o "ro,lowerdir=$1/usr:/usr" overlay /usr
mkdir -p /run/dbus /run/lock
cp -r "$1/etc/firewalld" /run/etc-firewalld
cat > /run/bus.conf <<'E'
${bus}
E
dbus-daemon --config-file=/run/bus.conf --nofork --nopidfile 2> /dev/null &
while [ ! -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
firewalld --nofork --nopid --log-target console --system-config /run/etc-firewalld > /dev/null 2>&1 &
until firewall-cmd --state > /dev/null 2>&1; do sleep 0.1; done
echo ready
wait
`;
