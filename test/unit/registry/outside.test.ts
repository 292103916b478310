import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../../lib/exec/command.ts';
import { parseMirrorSummaries } from '../../../lib/mirror/summary.ts';
import { toldKey } from '../../../lib/mirror/told.ts';
import { hold } from '../../../lib/registry/presence.ts';
import type { Store } from '../../../lib/registry/store.ts';
import { callOf, createFixture } from './fixture.ts';

const consul = { name: 'main', type: 'consul' };
const etcd = { name: 'spare', type: 'etcd' };
const zookeeper = { name: 'zoo', type: 'zookeeper' };

type Fixture = ReturnType<typeof createFixture>;

/** A call of the fixture's plugin whose registry has these mirrors. */
function callWith(fixture: Fixture, mirrors: readonly object[] | string, registry: object = {}, more = {}) {
  const file = `${fixture.dir}/mirrors.json`;
  writeFileSync(file, typeof mirrors === 'string' ? mirrors : JSON.stringify({ mirrors }));
  return callOf({ registry: { store: fixture.path, mirrors: file, ...registry }, ...more });
}

const required = { policy: 'required' };

/** Under which a store remembers what one of the mirrors above has been told. */
function keyOf(name: string, session: 'held' | 'none'): string {
  const summaries = parseMirrorSummaries({ mirrors: [consul, etcd, zookeeper] });
  const found = summaries.find((mirror) => mirror.name === name);
  if (found === undefined) throw new Error(`no mirror ${name}`);
  return toldKey(found, session);
}

/** A process that delivers to these mirrors, and says of the others why not. */
const delivering =
  (told: readonly string[], others: readonly object[] = []) =>
  (_: Command, store: Store) => {
    for (const mirror of told) store.setMirrored(keyOf(mirror, 'none'), store.revision());
    return { status: others.length === 0 ? 0 : 1, stdout: JSON.stringify(others) };
  };

describe('without an agent', () => {
  test('ADD and DEL deliver by a process of this executable, which is given nothing of the caller', () => {
    using fixture = createFixture({ deliver: delivering(['main']) });
    const call = callWith(fixture, [consul, zookeeper], { mirrorTimeout: '500ms' });

    fixture.plugin.add(call);
    const revision = fixture.store.revision();
    fixture.plugin.del(call);

    const args = ['mirrors', 'deliver', '--json', '--store', fixture.path];
    const files = ['--mirrors', `${fixture.dir}/mirrors.json`, '--timeout', '500', '--revision'];
    expect(fixture.delivered).toMatchObject([
      {
        file: '/opt/cni/bin/bridge',
        argv0: 'fairlead',
        args: [...args, ...files, String(revision), '--only', 'main'],
        env: {},
        timeoutMs: 750,
      },
      { args: [...args, ...files, String(revision + 1), '--only', 'main'] },
    ]);
    expect(fixture.warnings).toEqual([]);
  });

  test('what is not delivered is warned of, and fails neither ADD nor DEL', () => {
    const because = [{ name: 'main', kind: 'consul', state: 'failed', because: 'connection refused' }];
    using fixture = createFixture({ deliver: delivering(['spare'], because) });
    const call = callWith(fixture, [consul, etcd]);

    fixture.plugin.add(call);
    fixture.plugin.del(call);

    const warning = 'not delivered yet to consul "main": connection refused';
    expect([fixture.warnings, fixture.store.instances()]).toEqual([[warning, warning], []]);
  });

  test.each([
    [{ status: 'SIGKILL', stdout: '' }, 'the process that delivers ended with SIGKILL'],
    [
      { status: undefined, stderr: 'no such file\n' },
      'the process that delivers did not start: no such file',
    ],
    [
      { status: 1, stdout: '{"code":7,"msg":"mirrors[0].endpoints: is missing"}' },
      'mirrors[0].endpoints: is missing',
    ],
    [{ status: 0, stdout: '[7,{"name":1}]' }, 'the process that delivers ended with 0'],
  ])('a process that ends with %j has delivered nothing, whatever it says', (outcome, because) => {
    using fixture = createFixture({ deliver: () => outcome });

    fixture.plugin.add(callWith(fixture, [consul]));

    expect(fixture.warnings).toEqual([`not delivered yet to consul "main": ${because}`]);
  });

  test('an ADD that requires what is not delivered is taken back, where it was told already, too', () => {
    let calls = 0;
    using fixture = createFixture({
      deliver: (command, store) =>
        delivering(['spare'], calls++ === 0 ? [{ name: 'main', because: 'no answer' }] : [])(command, store),
    });
    const add = () => fixture.plugin.add(callWith(fixture, [consul, etcd], required));

    expect(add).toThrow(
      expect.objectContaining({ code: 11, message: 'not confirmed by consul "main": no answer' }),
    );
    expect([fixture.calls, fixture.store.attachments()]).toEqual([['add', 'del'], []]);
    expect(fixture.delivered.map(({ args }) => args.slice(-1))).toEqual([['spare'], ['spare']]);
    expect(fixture.store.mirrored(keyOf('spare', 'none'))).toBe(fixture.store.revision());
  });

  test('a mirror that is not required only warns, whatever the policy', () => {
    using fixture = createFixture({
      deliver: delivering(['spare'], [{ name: 'main', because: 'no answer' }]),
    });
    const mirrors = [{ ...consul, required: false }, etcd, { ...zookeeper, required: false }];

    fixture.plugin.add(callWith(fixture, mirrors, required));

    expect(fixture.warnings).toEqual(['not delivered yet to consul "main": no answer']);
    expect(fixture.store.attachments()).toHaveLength(1);
  });

  test('an instance that a required registry does not take fails with code 999, saying why', () => {
    using fixture = createFixture({
      deliver: (_, store) => {
        const ids = store.instances().map(({ id }): [string, string] => [id, 'the name is too long']);
        store.setMirrored(keyOf('main', 'none'), store.revision(), new Map(ids));
        return {};
      },
    });

    expect(() => fixture.plugin.add(callWith(fixture, [consul], required))).toThrow(
      expect.objectContaining({
        code: 999,
        message: expect.stringMatching(
          /^not confirmed by consul "main": it does not take .*: the name is too long$/,
        ),
      }),
    );
  });

  test('a file that the delivering process refuses fails with its code', () => {
    using fixture = createFixture({
      deliver: () => ({ status: 1, stdout: '{"code":7,"msg":"/m.json: mirrors[0].endpoints: is missing"}' }),
    });

    expect(() => fixture.plugin.add(callWith(fixture, [consul], required))).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringContaining('mirrors[0].endpoints') }),
    );
  });

  test('what requires an agent fails before anything is attached, and says so', () => {
    using fixture = createFixture();

    expect(() => fixture.plugin.add(callWith(fixture, [consul, zookeeper], required))).toThrow(
      expect.objectContaining({
        code: 11,
        message: expect.stringContaining(
          'zookeeper "zoo": only "fairlead agent" can deliver to zookeeper, and none runs',
        ),
      }),
    );
    expect([fixture.calls, fixture.delivered]).toEqual([[], []]);
  });

  test('what an agent alone delivers waits for it in the registry, unless it is required', () => {
    using fixture = createFixture();

    fixture.plugin.add(callWith(fixture, [zookeeper]));

    expect([fixture.delivered, fixture.warnings, fixture.store.attachments().length]).toEqual([[], [], 1]);
  });

  test('GC delivers once what it has withdrawn', () => {
    using fixture = createFixture({ deliver: delivering(['main']) });
    fixture.plugin.add(callOf());
    const ofNone = callWith(fixture, [consul], {}, { 'cni.dev/valid-attachments': [] });

    fixture.plugin.gc(ofNone);
    fixture.plugin.gc(ofNone);

    expect(fixture.delivered).toHaveLength(1);
  });

  test('a DEL of what was not registered delivers nothing', () => {
    using fixture = createFixture({ deliver: delivering(['main']) });

    fixture.plugin.del(callWith(fixture, [consul]));

    expect(fixture.delivered).toEqual([]);
  });
});

describe('with an agent', () => {
  test('ADD and DEL leave it to the agent', () => {
    using fixture = createFixture();
    using _ = hold('agent', fixture.path);
    const call = callWith(fixture, [consul, zookeeper]);

    fixture.plugin.add(call);
    fixture.plugin.del(call);

    expect([fixture.delivered, fixture.warnings]).toEqual([[], []]);
  });

  test('an ADD that requires it waits for the confirmation', () => {
    let slept = 0;
    using fixture = createFixture({
      sleep: (store) => {
        if (++slept === 3) store.setMirrored(keyOf('zoo', 'held'), store.revision());
      },
    });
    using _ = hold('agent', fixture.path);

    fixture.plugin.add(callWith(fixture, [zookeeper], required));

    expect([slept, fixture.delivered]).toEqual([3, []]);
  });

  test('an ADD that is not confirmed in time is taken back, and names the mirror', () => {
    using fixture = createFixture();
    using _ = hold('agent', fixture.path);
    fixture.store.setMirrored(keyOf('zoo', 'held'), fixture.store.revision());

    expect(() => fixture.plugin.add(callWith(fixture, [zookeeper], required))).toThrow(
      expect.objectContaining({
        code: 11,
        message:
          'not confirmed by zookeeper "zoo": the agent has not confirmed within 2 s; see "fairlead mirrors"',
      }),
    );
    expect([fixture.calls, fixture.store.attachments()]).toEqual([['add', 'del'], []]);
  });

  test('what it tells another registry of the same name confirms nothing, and the message says so', () => {
    using fixture = createFixture({
      sleep: (store) => store.setMirrored(keyOf('zoo', 'held'), store.revision()),
    });
    using _ = hold('agent', fixture.path);
    const elsewhere = { ...zookeeper, servers: ['192.0.2.7'] };

    expect(() => fixture.plugin.add(callWith(fixture, [elsewhere], required))).toThrow(
      /within 2 s; it has not delivered to it as .*mirrors\.json says now, which it reads when it starts/,
    );
  });
});

describe('a file of mirrors that is wrong', () => {
  test.each([
    ['{', /the file is not JSON/],
    ['{}', /mirrors: is required and missing/],
    ['{"mirrors":[{"name":"a"}]}', /mirrors\[0\]\.type: is required and missing/],
  ])('(%s) is warned of, and refused before anything is attached where it is required', (text, says) => {
    using fixture = createFixture();
    fixture.plugin.add(callWith(fixture, text));
    fixture.plugin.del(callWith(fixture, text));

    expect(fixture.warnings).toEqual([expect.stringMatching(says), expect.stringMatching(says)]);
    expect(fixture.warnings[0]).toContain(`${fixture.dir}/mirrors.json: `);
    expect(() => fixture.plugin.add(callWith(fixture, text, required))).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringContaining(`${fixture.dir}/mirrors.json: `) }),
    );
    expect(fixture.calls).toEqual(['add', 'del']);
  });

  test('is not read by a call that is to take no heed of mirrors', () => {
    using fixture = createFixture();
    fixture.plugin.add(callWith(fixture, '{', { ...required, mirrors: false }));

    expect([fixture.warnings, fixture.delivered]).toEqual([[], []]);
  });
});

describe('STATUS', () => {
  test.each<[string, readonly object[] | string, object, number | undefined]>([
    ['a file that is wrong', '{', required, 50],
    ['a mirror that needs the agent', [zookeeper], required, 50],
    ['mirrors that need no agent', [consul, etcd], required, undefined],
    ['a file that is wrong', '{', {}, undefined],
    ['a mirror that needs the agent', [zookeeper], {}, undefined],
  ])('with %s (%j, %j) answers %s', (_, mirrors, registry, code) => {
    using fixture = createFixture();
    const status = () => fixture.plugin.status(callWith(fixture, mirrors, registry));

    if (code === undefined) status();
    else expect(status).toThrow(expect.objectContaining({ code }));
  });

  test('is well once the agent runs', () => {
    using fixture = createFixture();
    using _ = hold('agent', fixture.path);

    fixture.plugin.status(callWith(fixture, [zookeeper], required));

    expect(fixture.calls).toEqual(['status']);
  });
});
