import { type Background, inside, must, startBeside } from './process.ts';
import type { Rig } from './rig.ts';

/** A real firewalld on the host of a rig, with a bus of its own, in a mount namespace in which it can write its files. */
export type Firewalld = AsyncDisposable & {
  /** Runs a shell's lines where `firewall-cmd` reaches it. */
  readonly sh: (script: string) => Promise<string>;
};

export async function startFirewalld({ host }: Rig): Promise<Firewalld> {
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
  const service: Background = await startBeside('nsenter', inside(host, ...alone, 'sh', '-ec', script));
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
if [ -d /etc/firewalld ]; then mount -t tmpfs tmpfs /etc/firewalld; fi
mkdir -p /run/dbus /run/lock
cat > /run/bus.conf <<'E'
${bus}
E
dbus-daemon --config-file=/run/bus.conf --nofork --nopidfile 2> /dev/null &
while [ ! -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
firewalld --nofork --nopid --log-target console > /dev/null 2>&1 &
until firewall-cmd --state > /dev/null 2>&1; do sleep 0.1; done
echo ready
wait
`;
