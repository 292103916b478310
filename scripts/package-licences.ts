import { readdir, readFile } from 'node:fs/promises';

// Prints the licences of all that is in the executable: ours, Node's, and those of the packages that are bundled.

type Lock = {
  readonly packages: Readonly<
    Record<string, { version: string; license?: string; dev?: boolean; optional?: boolean }>
  >;
};

/** What a heading of the copyright file says, and the text below it. */
async function describePackage(path: string, title: string): Promise<string> {
  const file = (await readdir(path)).sort().find((name) => /^licen[cs]e/i.test(name));
  const text =
    file === undefined
      ? 'The package has no file with its licence.'
      : await readFile(`${path}/${file}`, 'utf8');
  return `${title}\n${'='.repeat(title.length)}\n\n${text.trim()}\n`;
}

const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as Lock;
const bundled = Object.entries(packages).filter(
  ([path, { dev, optional }]) => path !== '' && dev !== true && optional !== true,
);
const node = process.execPath.replace(/\/bin\/node$/, '');
const parts = [
  await describePackage('.', 'Fairlead'),
  await describePackage(node, `Node ${process.versions.node}`),
  ...(await Promise.all(
    bundled.map(([path, { version, license }]) =>
      describePackage(
        path,
        `${path.replace(/^.*node_modules\//, '')} ${version} (${license ?? 'see below'})`,
      ),
    ),
  )),
];
console.log(parts.join('\n'));
