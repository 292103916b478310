import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hold, isHeld, lockPath } from '../../../lib/registry/presence.ts';
import { takePresence } from '../../../plugins/agent/mirror-presence.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('the file of a lock', () => {
  test.each([
    ['held', (store: string) => hold('agent', store)?.[Symbol.dispose]()],
    ['looked at', (store: string) => isHeld('agent', store)],
  ])('is for its owner alone once it was %s, whoever made it, and however', (_, use) => {
    using dir = temporaryDirectory();
    const [store, earlier] = [`${dir.path}/registry.db`, `${dir.path}/earlier/registry.db`];
    using older = temporaryDirectory();
    const readable = lockPath('agent', `${older.path}/registry.db`);
    writeFileSync(readable, '');
    chmodSync(readable, 0o644);

    use(store);
    use(`${older.path}/registry.db`);

    expect([modeOf(lockPath('agent', store)), modeOf(readable)]).toEqual([0o600, 0o600]);
    expect(() => use(earlier)).toThrow(/no such file/);
  });

  test('can be looked at by the process that holds it, and stays held', () => {
    using dir = temporaryDirectory();
    const store = `${dir.path}/registry.db`;
    using _ = hold('agent', store);

    const seen = [isHeld('agent', store), isHeld('agent', store), hold('agent', store)];

    expect(seen).toEqual([true, true, undefined]);
    // As other processes see it: the kernel drops a process's locks of a file when it closes any descriptor of it.
    const { ino } = statSync(lockPath('agent', store));
    expect(readFileSync('/proc/locks', 'utf8')).toMatch(new RegExp(`POSIX +ADVISORY +WRITE .*:${ino} `));
  });
});

describe('an agent that waits for its turn', () => {
  test('says whose end it waits for, until it has come', async () => {
    using dir = temporaryDirectory();
    const store = `${dir.path}/registry.db`;
    const other = hold('agent', store);

    await using presence = takePresence(store, silent);
    const waiting = presence.obstacle();
    other?.[Symbol.dispose]();
    await presence.taken;

    expect(waiting).toBe(
      `another agent delivers from this registry: a process holds ${dir.path}/agent.lock; nothing is delivered before it ends`,
    );
    expect(presence.obstacle()).toBe('');
  });
});
