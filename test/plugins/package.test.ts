import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { installedNames } from '../../lib/install/names.ts';
import { binDir } from '../support/binaries.ts';
import { must, run } from '../support/process.ts';
import { requirePrograms } from '../support/skip.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const limit = 240_000;

/** @returns the path of the package */
async function pack(kind: 'deb' | 'image', output: string): Promise<string> {
  const { status, stdout, stderr } = await run({
    file: 'scripts/package',
    args: [kind, '--output', output],
    env: { PATH: process.env.PATH, FAIRLEAD_BIN: binDir, SOURCE_DATE_EPOCH: '1700000000' },
    timeoutMs: limit,
  });
  if (status !== 0) throw new Error(`scripts/package ${kind}: ${status} ${stderr}`);
  return stdout.trim();
}

const shared = temporaryDirectory();
afterAll(() => shared[Symbol.dispose]());
const made = new Map<string, Promise<string>>();

/** A package, made once for all that only look at it. */
function packOnce(kind: 'deb' | 'image'): Promise<string> {
  const path = made.get(kind) ?? pack(kind, shared.path);
  made.set(kind, path);
  return path;
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** A root directory in which dpkg knows of no package. */
function emptyRoot(path: string): string {
  for (const dir of ['info', 'updates', 'triggers'])
    mkdirSync(`${path}/var/lib/dpkg/${dir}`, { recursive: true });
  for (const file of ['status', 'available']) writeFileSync(`${path}/var/lib/dpkg/${file}`, '');
  return path;
}

test(
  'the Debian package installs into an empty root, runs from there, and its purge leaves nothing',
  async (context) => {
    await requirePrograms(context, 'dpkg-deb');
    using directory = temporaryDirectory();
    const file = await packOnce('deb');
    const root = emptyRoot(`${directory.path}/root`);
    const dpkg = (...args: readonly string[]) =>
      must('dpkg', [`--root=${root}`, '--force-depends', '--log=/dev/null', ...args]);

    await dpkg('--install', file);
    const cni = `${root}/usr/lib/fairlead/cni`;
    const told = await must(`${root}/usr/bin/fairlead`, ['--version']);
    const { stdout: versions } = await run({
      file: `${cni}/bridge`,
      args: [],
      env: { CNI_COMMAND: 'VERSION' },
    });
    const inodes = new Set(readdirSync(cni).map((name) => statSync(`${cni}/${name}`).ino));
    const page = await must('gzip', [
      '--decompress',
      '--stdout',
      `${root}/usr/share/man/man1/fairlead-gc.1.gz`,
    ]);

    expect(told).toMatch(/^\d+\.\d+\.\d+ \(build /);
    expect(readdirSync(cni).sort()).toEqual([...installedNames].sort());
    expect(inodes.size).toBe(1);
    expect(JSON.parse(versions).supportedVersions).toContain('1.1.0');
    expect(page).toBe(await must(`${binDir}/fairlead`, ['man', 'gc']));
    expect(readdirSync(`${root}/usr/share/doc/fairlead/examples/conflists`)).toContain('containerd.conflist');
    expect(readFileSync(`${root}/usr/share/doc/fairlead/copyright`, 'utf8')).toMatch(
      /Apache License.*Node 26\..*commander /s,
    );
    expect(await run({ file: 'dpkg', args: [`--root=${root}`, '--verify', 'fairlead'] })).toMatchObject({
      status: 0,
      stdout: '',
    });

    await dpkg('--purge', 'fairlead');
    expect(readdirSync(root)).toEqual(['var']);
    expect(readdirSync(`${root}/var`)).toEqual(['lib']);
    expect(readdirSync(`${root}/var/lib`)).toEqual(['dpkg']);
  },
  limit,
);

test(
  'the Debian package is the same bytes each time, root owns all of it, and nothing in it is the reference plugins’',
  async (context) => {
    await requirePrograms(context, 'dpkg-deb');
    using directory = temporaryDirectory();
    const first = await packOnce('deb');
    const second = await pack('deb', directory.path);

    const fields = await must('dpkg-deb', ['--info', first]);
    const lines = (await must('dpkg-deb', ['--contents', first])).trim().split('\n');

    expect(digestOf(second)).toBe(digestOf(first));
    expect(fields).toMatch(/^ Depends: .*iproute2, nftables/m);
    expect(lines.filter((line) => !/^\S+ root\/root /.test(line))).toEqual([]);
    expect(lines.filter((line) => / \.\/(usr\/lib\/cni|opt|etc|var)\//.test(line))).toEqual([]);
    expect(lines.filter((line) => !line.includes('2023-11-14'))).toEqual([]);
  },
  limit,
);

test(
  'each plugin that has a README has a manual page in the Debian package, and groff has nothing to say against it',
  async (context) => {
    await requirePrograms(context, 'dpkg-deb', 'groff');
    using directory = temporaryDirectory();
    await must('dpkg-deb', ['--extract', await packOnce('deb'), directory.path]);
    const pages = `${directory.path}/usr/share/man/man8`;
    const names = readdirSync(pages);

    for (const name of names) {
      const stdin = await must('gzip', ['--decompress', '--stdout', `${pages}/${name}`]);
      const { status, stderr } = await run({ file: 'groff', args: ['-ww', '-man', '-Tutf8'], stdin });
      expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: '' });
      expect(stdin).toMatch(/^\.TH "FAIRLEAD\\-.*^\.SH "NAME"$.*^\.SH "DESCRIPTION"$/ms);
    }
    expect(names).toEqual(expect.arrayContaining(['fairlead-bridge.8.gz', 'fairlead-host-local.8.gz']));
  },
  limit,
);

test(
  'containerd imports the container image and runs it, twice',
  async (context) => {
    await requirePrograms(context, 'containerd', 'ctr', 'runc');
    const [version = ''] = (await must(`${binDir}/fairlead`, ['--version'])).split(' ');
    const args = [await packOnce('image'), version];

    const { status, stdout, stderr } = await run({
      file: 'test/plugins/package-image.sh',
      args,
      timeoutMs: limit,
    });

    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
  },
  limit,
);

test(
  'the container image is whole, and run with a CNI directory it installs the plugins there',
  async () => {
    using directory = temporaryDirectory();
    const file = await packOnce('image');
    const layout = `${directory.path}/layout`;
    await unpack(file, layout);
    const readBlob = (blob: { digest: string; size: number }) => readWhole(layout, blob);

    const index = JSON.parse(readFileSync(`${layout}/index.json`, 'utf8'));
    const manifest = JSON.parse(readBlob(index.manifests[0]).toString());
    const config = JSON.parse(readBlob(manifest.config).toString());
    readBlob(manifest.layers[0]);

    expect(config).toMatchObject({ os: 'linux', created: '2023-11-14T22:13:20.000Z' });
    const root = `${directory.path}/root`;
    await unpack(`${layout}/${pathOf(manifest.layers[0])}`, root);
    const cni = `${directory.path}/bin`;
    mkdirSync(cni);
    await runImage(root, cni, config.config.Entrypoint);

    expect(readdirSync(cni).sort()).toEqual([...installedNames].sort());
    expect(digestOf(`${cni}/bridge`)).toBe(digestOf(`${binDir}/fairlead`));
    rmSync(root, { recursive: true });
  },
  limit,
);

async function unpack(file: string, dir: string): Promise<void> {
  mkdirSync(dir);
  await must('tar', ['--extract', `--file=${file}`, `--directory=${dir}`]);
}

function pathOf({ digest }: { digest: string }): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** A blob that is what its descriptor says. */
function readWhole(layout: string, blob: { digest: string; size: number }): Buffer {
  const path = `${layout}/${pathOf(blob)}`;
  expect(`sha256:${digestOf(path)}`).toBe(blob.digest);
  expect(statSync(path).size).toBe(blob.size);
  return readFileSync(path);
}

/** As a runtime does: in namespaces of its own, with /proc, and the host's directory where the image expects it. */
async function runImage(root: string, cni: string, entrypoint: readonly string[]): Promise<void> {
  const script = `set -e
    root=$1 cni=$2
    shift 2
    mkdir -p "$root/proc" "$root/host/opt/cni/bin"
    mount -t proc proc "$root/proc"
    mount --bind "$cni" "$root/host/opt/cni/bin"
    exec chroot "$root" "$@"`;
  const namespaces = ['--mount', '--pid', '--fork', '--net', '--ipc', '--uts', '--propagation', 'private'];
  await must('unshare', [...namespaces, 'sh', '-c', script, 'sh', root, cni, ...entrypoint]);
}
