import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Outcome } from '../../lib/exec/command.ts';
import { runContainersScript } from './containers-script.ts';
import type { RuntimeHost } from './runtime-host.ts';
import { makeRootfs } from './runtime-rootfs.ts';

const cache = process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`;
const directory = `${cache}/fairlead/podman-4`;

/** Eight packages are fetched where they are not there. */
const fetchTimeoutMs = 120_000;

/** The directory of a podman that attaches containers by CNI plugins; undefined where it cannot be had. */
export async function findPodman(): Promise<string | undefined> {
  const lines = 'arm_cleanups; need_podman "$1"';
  const { status } = await runContainersScript(lines, [directory], { timeoutMs: fetchTimeoutMs });
  return status === 0 ? directory : undefined;
}

/** podman on a host, with all its state among the host's files. */
export type Podman = (...args: readonly string[]) => Promise<Outcome>;

/**
 * Locks in files: the default is shared memory, which is the machine's. Limits that this machine surely allows: podman's
 * own are more than some containers of continuous integration may set.
 */
const settings = (podmanDir: string) => `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]

[engine]
cgroup_manager = "cgroupfs"
conmon_path = ["${podmanDir}/usr/bin/conmon"]
events_logger = "file"
lock_type = "file"
runtime = "runc"

[network]
network_backend = "cni"
cni_plugin_dirs = ["/opt/cni/bin"]
network_config_dir = "/etc/cni/net.d"
`;

/** @param podmanDir as `findPodman` has found it */
export async function createPodman(host: RuntimeHost, podmanDir: string): Promise<Podman> {
  const state = `${host.dir}/podman`;
  mkdirSync(state);
  writeFileSync(`${state}/containers.conf`, settings(podmanDir));
  await makeRootfs(`${host.dir}/rootfs`);
  const places = { root: `${state}/root`, runroot: '/run/podman-run', tmpdir: '/run/podman-tmp' };
  const options = Object.entries(places).flatMap(([name, path]) => [`--${name}`, path]);
  const libraries = ['usr/lib', 'lib'].flatMap((dir) => librariesIn(`${podmanDir}/${dir}`));
  return (...args) =>
    host.run([`${podmanDir}/usr/bin/podman`, ...options, '--storage-driver', 'vfs', ...args], {
      env: {
        HOME: state,
        LD_LIBRARY_PATH: libraries.join(':'),
        CONTAINERS_CONF: `${state}/containers.conf`,
      },
      timeoutMs: 60_000,
    });
}

/** The directories of an architecture's libraries, whichever it is. */
function librariesIn(dir: string): readonly string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('-linux-gnu'))
    .map((name) => `${dir}/${name}`);
}
