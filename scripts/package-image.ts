import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { clientName } from '../lib/install/client.ts';

// Makes an image of the executable and the libraries that it is linked to, taken from this machine: an archive in the
// layout of the Open Container Initiative. Nothing is fetched, and the same files give the same bytes.

/** A blob as others name it. */
type Descriptor = { readonly mediaType: string; readonly digest: string; readonly size: number };

const [executable = '', output = '', version = '', processor = ''] = process.argv.slice(2);
const { SOURCE_DATE_EPOCH: epoch = '0' } = process.env;
const imageName = `localhost/fairlead:${version}`;
const entrypoint = ['/usr/bin/fairlead', 'install', '--dir', '/host/opt/cni/bin'];

/** The file system of the image: the executable, what the dynamic linker loads for it, and their licences. */
async function stageRoot(root: string): Promise<void> {
  await place(executable, `${root}/usr/bin/fairlead`);
  const client = `${dirname(executable)}/${clientName}`;
  if (existsSync(client)) await place(client, `${root}/usr/bin/${clientName}`);
  for (const library of await listLibraries()) {
    await place(library, `${root}${library}`);
    await placeCopyright(library, root);
  }
  const { stdout } = await execa(process.execPath, ['scripts/package-licences.ts']);
  await mkdir(`${root}/usr/share/doc/fairlead`, { recursive: true });
  await writeFile(`${root}/usr/share/doc/fairlead/copyright`, `${stdout}\n`);
}

async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}

/** Absolute paths; the one without a name before it is the linker itself. */
async function listLibraries(): Promise<readonly string[]> {
  const { stdout } = await execa('ldd', [executable]);
  return [...stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].flatMap(([, path]) => path ?? []);
}

/** Where the package that brought a library says whose it is; a system without dpkg may keep that elsewhere. */
async function placeCopyright(library: string, root: string): Promise<void> {
  const real = await realpath(library);
  const { stdout, failed } = await execa('dpkg', ['-S', real, real.replace(/^\/usr/, '')], { reject: false });
  const owner = /^([a-z0-9+.-]+)/.exec(stdout)?.[1];
  if (failed && owner === undefined) return;
  const path = `/usr/share/doc/${owner}/copyright`;
  await place(await realpath(path), `${root}${path}`);
}

/** An archive that depends on nothing but the files: sorted, of one time, and root's. */
async function archive(dir: string): Promise<Buffer> {
  const { stdout } = await execa(
    'tar',
    [
      '--create',
      '--sort=name',
      `--mtime=@${epoch}`,
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mode=u=rwX,go=rX',
      '--format=ustar',
      `--directory=${dir}`,
      '.',
    ],
    { encoding: 'buffer', maxBuffer: 1e9 },
  );
  return Buffer.from(stdout);
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

async function addBlob(layout: string, mediaType: string, content: Buffer): Promise<Descriptor> {
  const digest = digestOf(content);
  await writeFile(`${layout}/blobs/${digest.replace(':', '/')}`, content);
  return { mediaType, digest, size: content.length };
}

function toJson(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function describeConfig(layer: Buffer): object {
  const created = new Date(Number(epoch) * 1000).toISOString();
  return {
    created,
    architecture: processor,
    os: 'linux',
    config: {
      Entrypoint: entrypoint,
      Labels: {
        'org.opencontainers.image.title': 'fairlead',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    history: [{ created, created_by: 'scripts/package image' }],
  };
}

async function writeLayout(layout: string, layer: Buffer): Promise<void> {
  await mkdir(`${layout}/blobs/sha256`, { recursive: true });
  const type = (name: string) => `application/vnd.oci.image.${name}`;
  const packed = await addBlob(layout, type('layer.v1.tar+gzip'), gzipSync(layer));
  const config = await addBlob(layout, type('config.v1+json'), toJson(describeConfig(layer)));
  const manifest = await addBlob(
    layout,
    type('manifest.v1+json'),
    toJson({ schemaVersion: 2, mediaType: type('manifest.v1+json'), config, layers: [packed] }),
  );
  const annotations = { 'io.containerd.image.name': imageName, 'org.opencontainers.image.ref.name': version };
  const entry = { ...manifest, annotations, platform: { architecture: processor, os: 'linux' } };
  const index = { schemaVersion: 2, mediaType: type('index.v1+json'), manifests: [entry] };
  await writeFile(`${layout}/oci-layout`, toJson({ imageLayoutVersion: '1.0.0' }));
  await writeFile(`${layout}/index.json`, toJson(index));
  await writeFile(`${layout}/manifest.json`, toJson([describeForDocker(config, packed)]));
}

/** What "docker load" reads before version 25. */
function describeForDocker(config: Descriptor, layer: Descriptor): object {
  const toPath = ({ digest }: Descriptor) => `blobs/${digest.replace(':', '/')}`;
  return { Config: toPath(config), RepoTags: [imageName], Layers: [toPath(layer)] };
}

const work = await mkdtemp(`${tmpdir()}/fairlead-image-`);
try {
  await stageRoot(`${work}/root`);
  await writeLayout(`${work}/layout`, await archive(`${work}/root`));
  await writeFile(`${output}.new`, await archive(`${work}/layout`));
  await rename(`${output}.new`, output);
  console.log(output);
} finally {
  await rm(work, { recursive: true, force: true });
}
