import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isOfBuild } from '../../../lib/exec/build.ts';
import {
  isClient,
  isLater,
  readBuild,
  renderClientEnd,
  renderEnd,
} from '../../../lib/install/installed-build.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const id = '0123456789abcdef0123456789abcdef';

test.each([
  ['a build with a version', `program${renderEnd({ id, version: '1.2.3' })}`, { id, version: '1.2.3' }],
  ['a build from before versions', `program fairlead-build:${id}`, { id, version: undefined }],
  ['a copy that was cut off', `program${renderEnd({ id, version: '1.2.3' }).slice(0, -1)}`, undefined],
  ['another program', '#!/bin/sh\n', undefined],
  ['an empty file', '', undefined],
])('%s is told by its end', (_what, text, build) => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/program`;
  writeFileSync(path, text);

  expect(readBuild(path)).toEqual(build);
  expect(isOfBuild(path, id)).toBe(build !== undefined);
});

test('a client is of its build, and is told from the executable', () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/program`;

  writeFileSync(path, `program${renderClientEnd({ id, version: '1.2.3' })}`);
  expect([isClient(path), readBuild(path), isOfBuild(path, id)]).toEqual([
    true,
    { id, version: '1.2.3' },
    true,
  ]);
  writeFileSync(path, `program${renderEnd({ id, version: '1.2.3' })}`);
  expect(isClient(path)).toBe(false);
  writeFileSync(path, '');
  expect(isClient(path)).toBe(false);
});

test.each([
  ['1.10.0', '1.9.9', true],
  ['1.9.9', '1.10.0', false],
  ['1.0.0', '1.0.0', false],
  ['1.0.0', '1.0.0-rc.1', true],
  ['1.0.0-rc.1', '1.0.0', false],
  [undefined, '1.0.0', false],
  ['1.0.0', undefined, false],
])('whether %s is later than %s: %s', (found, own, expected) => {
  expect(isLater(found, own)).toBe(expected);
});
