import { describe, expect, test } from 'vitest';
import { dispatch, type Plugin } from '../../../lib/cni/dispatch.ts';
import type { Environment } from '../../../lib/cni/invocation.ts';
import type { Result } from '../../../lib/cni/result.ts';
import { parseResult } from '../../../lib/cni/result-parse.ts';
import { specVersions } from '../../../lib/cni/version.ts';
import { CniError } from '../../../lib/errors/cni-error.ts';
import { addEnvironment } from '../../support/calls.ts';

const result: Result = parseResult(
  {
    cniVersion: '1.1.0',
    interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', mtu: 1400, sandbox: '/run/netns/c1' }],
    ips: [
      { address: '10.1.0.2/24', gateway: '10.1.0.1', interface: 0 },
      { address: 'fd00::2/64', gateway: 'fd00::1', interface: 0 },
    ],
    routes: [{ dst: '0.0.0.0/0', gw: '10.1.0.1', mtu: 1300 }, { dst: '::/0' }],
    dns: { nameservers: ['10.1.0.1'] },
  },
  'result',
  '1.1.0',
);

const plugin: Plugin = {
  name: 'test',
  add: () => result,
  del: () => undefined,
  check: () => undefined,
  gc: () => undefined,
  status: () => undefined,
};

async function call(verb: string, stdin: string, changes: Partial<Plugin> = {}, env: Environment = {}) {
  let stdout = '';
  const status = dispatch(
    { ...plugin, ...changes },
    {
      env: addEnvironment({ CNI_COMMAND: verb, ...env }),
      readStdin: () => stdin,
      writeStdout: (text) => {
        stdout += text;
      },
    },
  );
  return { status, answer: stdout === '' ? undefined : JSON.parse(stdout) };
}

const conf = (cniVersion: string | undefined) => JSON.stringify({ cniVersion, name: 'net', type: 'test' });

describe('results', () => {
  test.each(specVersions)('of %s can be read back', async (version) => {
    const { status, answer } = await call('ADD', conf(version));

    expect(status).toBe(0);
    expect(answer.cniVersion).toBe(version);
    const again = parseResult(answer, 'answer', version);
    expect(again.ips.map(({ address }) => address)).toEqual(result.ips.map(({ address }) => address));
    expect(again.routes.map(({ dst }) => dst)).toEqual(result.routes.map(({ dst }) => dst));
    expect(again.dns).toEqual(result.dns);
  });

  test('before 0.3.0 have one object for each family', async () => {
    const { answer } = await call('ADD', conf('0.2.0'));
    expect(answer).toEqual({
      cniVersion: '0.2.0',
      ip4: { ip: '10.1.0.2/24', gateway: '10.1.0.1', routes: [{ dst: '0.0.0.0/0', gw: '10.1.0.1' }] },
      ip6: { ip: 'fd00::2/64', gateway: 'fd00::1', routes: [{ dst: '::/0' }] },
      dns: { nameservers: ['10.1.0.1'] },
    });
  });

  test('before 1.0.0 name the family of each address', async () => {
    const { answer } = await call('ADD', conf('0.4.0'));
    expect(answer.ips.map(({ version }: { version: string }) => version)).toEqual(['4', '6']);
  });

  test('have mtu and the attributes of routes from 1.1.0 on', async () => {
    const older = (await call('ADD', conf('1.0.0'))).answer;
    const newer = (await call('ADD', conf('1.1.0'))).answer;
    expect([older.interfaces[0].mtu, older.routes[0].mtu]).toEqual([undefined, undefined]);
    expect([newer.interfaces[0].mtu, newer.routes[0].mtu]).toEqual([1400, 1300]);
  });
});

describe('errors', () => {
  test.each([
    ['not JSON', 'ADD', '{', 6],
    ['nothing at all', 'ADD', '', 6],
    ['a list instead of an object', 'ADD', '[]', 7],
    ['a version that is not spoken', 'ADD', conf('2.0.0'), 1],
    ['a version that is no string', 'ADD', '{"cniVersion":1,"name":"n"}', 7],
    ['no name', 'ADD', '{"cniVersion":"1.0.0"}', 7],
    ['a name with a path', 'ADD', '{"cniVersion":"1.0.0","name":"../x"}', 7],
    ['CHECK before 0.4.0', 'CHECK', conf('0.3.1'), 1],
    ['GC before 1.1.0', 'GC', conf('1.0.0'), 1],
    ['STATUS before 1.1.0', 'STATUS', conf('1.0.0'), 1],
    ['an unknown verb', 'UPDATE', conf('1.0.0'), 4],
  ])('%s', async (_, verb, stdin, code) => {
    const { status, answer } = await call(verb, stdin);
    expect(status).toBe(1);
    expect(answer).toMatchObject({ code, msg: expect.any(String), cniVersion: expect.any(String) });
  });

  test('carry the caller’s version, the code and the details', async () => {
    const add = () => {
      throw new CniError(11, 'try again', { details: 'later' });
    };
    const { answer } = await call('ADD', conf('0.4.0'), { add });
    expect(answer).toEqual({ cniVersion: '0.4.0', code: 11, msg: 'try again', details: 'later' });
  });

  test('that are none of ours become code 999 without a stack', async () => {
    const add = () => {
      throw new TypeError('x is not a function');
    };
    const { answer } = await call('ADD', conf('1.0.0'), { add });
    expect(answer).toEqual({ cniVersion: '1.0.0', code: 999, msg: 'x is not a function' });
  });

  test('of a stdin that cannot be read have code 5', async () => {
    let stdout = '';
    const status = dispatch(plugin, {
      env: addEnvironment(),
      readStdin: () => {
        throw new Error('EIO');
      },
      writeStdout: (text) => {
        stdout += text;
      },
    });
    expect([status, JSON.parse(stdout).code]).toEqual([1, 5]);
  });
});

describe('verbs', () => {
  test('VERSION echoes the caller’s version, spoken or not, and lists those that are', async () => {
    const { answer } = await call('VERSION', '{"cniVersion":"9.9.9"}');
    expect(answer).toEqual({ cniVersion: '9.9.9', supportedVersions: [...specVersions] });
  });

  test('VERSION answers a runtime that sends nothing', async () => {
    const { status, answer } = await call('VERSION', '');
    expect([status, answer.supportedVersions]).toEqual([0, [...specVersions]]);
  });

  test('no cniVersion means 0.1.0', async () => {
    const { answer } = await call('ADD', conf(undefined));
    expect(answer).toMatchObject({ cniVersion: '0.1.0', ip4: { ip: '10.1.0.2/24' } });
  });

  test.each(['DEL', 'CHECK', 'GC', 'STATUS'])('%s that succeeds prints nothing', async (verb) => {
    expect(await call(verb, conf('1.1.0'))).toEqual({ status: 0, answer: undefined });
  });
});
