/** Where an installation keeps what, below the CNI directory; runtimes look only for a plugin's own name. */
export type Places = {
  readonly dir: string;
  /** The one copy, until it has its names. */
  readonly staged: string;
  /** That of the client, where there is one. */
  readonly stagedClient: string;
  readonly backupDir: string;
  readonly manifest: string;
  readonly newManifest: string;
};

/** All names that only live during an installation begin so. */
export const scratchPrefix = '.fairlead-new';

const backupDirName = '.fairlead-backup';

/** The places of an installation into a directory. */
export function placesIn(dir: string): Places {
  const backupDir = `${dir}/${backupDirName}`;
  const manifest = `${backupDir}/manifest.json`;
  const staged = `${dir}/${scratchPrefix}`;
  return {
    dir,
    staged,
    stagedClient: `${staged}-client`,
    backupDir,
    manifest,
    newManifest: `${manifest}.new`,
  };
}
