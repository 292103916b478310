import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describeMirror, type MirrorSubject } from '../support/mirror-contract.ts';
import { createStoreMirror } from '../support/store-mirror.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

describeMirror('a second store', async (): Promise<MirrorSubject> => {
  const temporary = temporaryDirectory();
  const dir = `${temporary.path}/outside`;
  mkdirSync(dir);
  return {
    machine: (node) => createStoreMirror({ path: `${dir}/registry.db`, node, name: `outside-${node}` }),
    outage: async () => {
      renameSync(dir, `${dir}.away`);
      writeFileSync(dir, '');
      return {
        [Symbol.asyncDispose]: async () => {
          rmSync(dir);
          renameSync(`${dir}.away`, dir);
        },
      };
    },
    [Symbol.asyncDispose]: async () => temporary[Symbol.dispose](),
  };
});
