import { describe, expect, test } from 'vitest';
import { Fields } from '../../../lib/cni/fields.ts';
import { parseEtcdConfig } from '../../../lib/etcd/config.ts';

const parse = (block: object) => parseEtcdConfig(new Fields(block, 'etcd'));
const endpoints = ['http://192.0.2.1:2379'];

describe('the block etcd', () => {
  test('needs no more than an endpoint', () => {
    expect(parse({ endpoints })).toEqual({ endpoints, tls: undefined, user: undefined, timeoutMs: 5_000 });
  });

  test('takes every field', () => {
    const tls = { ca: '/pki/ca.pem', cert: '/pki/cert.pem', key: '/pki/key.pem' };
    const user = { name: 'node', passwordFile: '/etc/password' };

    const config = parse({ endpoints: ['https://etcd.example:2379'], tls, user, timeout: '1.5s' });

    expect(config).toEqual({ endpoints: ['https://etcd.example:2379'], tls, user, timeoutMs: 1_500 });
  });

  test.each([
    ['http://192.0.2.1:2379/', 'http://192.0.2.1:2379'],
    ['HTTP://Etcd-1.Example:2379', 'http://etcd-1.example:2379'],
    ['https://[2001:DB8::1]:2379', 'https://[2001:db8::1]:2379'],
    ['http://localhost:80', 'http://localhost:80'],
  ])('takes the endpoint %s as %s', (written, taken) => {
    expect(parse({ endpoints: [written] }).endpoints).toEqual([taken]);
  });

  test('takes an endpoint that is named twice once', () => {
    expect(parse({ endpoints: [...endpoints, 'http://192.0.2.1:2379/'] }).endpoints).toEqual(endpoints);
  });

  test.each([
    'etcd:2379',
    'ftp://192.0.2.1:2379',
    'http://192.0.2.1',
    'http://192.0.2.1:0',
    'http://192.0.2.1:65536',
    'http://192.0.2.1:2379/v3',
    'http://192.0.2.1:2379?a=b',
    'http://user:secret@192.0.2.1:2379',
    'http://[192.0.2.1]:2379',
    'http://[:::]:2379',
    'http://:2379',
    '',
  ])('refuses the endpoint %j without showing it', (endpoint) => {
    const message =
      'etcd.endpoints[1]: expected http:// or https://, a host and a port, such as http://192.0.2.1:2379, and nothing else';

    expect(() => parse({ endpoints: [...endpoints, endpoint] })).toThrow(message);
  });

  test.each([
    [{}, 'etcd.endpoints: is required and missing'],
    [{ endpoints: [] }, 'etcd.endpoints: expected one endpoint at least, found []'],
    [{ endpoints: 'http://192.0.2.1:2379' }, 'etcd.endpoints: expected a list'],
    [{ endpoints, endpoint: 'x' }, 'etcd.endpoint: there is no such field'],
    [{ endpoints, timeout: '99ms' }, 'etcd.timeout: expected a duration from 100ms to 1m, found "99ms"'],
    [{ endpoints, timeout: '61s' }, 'etcd.timeout: expected a duration'],
    [{ endpoints, timeout: 5 }, 'etcd.timeout: expected a string'],
    [{ endpoints, tls: { ca: '/ca.pem' } }, 'etcd.tls: expected an endpoint that begins with https://'],
    [{ endpoints, user: {} }, 'etcd.user.name: is required and missing'],
    [{ endpoints, user: { name: 'a' } }, 'etcd.user: expected either password or passwordFile'],
    [
      { endpoints, user: { name: 'a', password: 'b', passwordFile: '/c' } },
      'etcd.user: expected either password or passwordFile, found "both or none"',
    ],
    [
      { endpoints, user: { name: 'a', passwordfile: 'c' } },
      'etcd.user.passwordFile: expected an absolute path',
    ],
    [{ endpoints, user: { name: 'a', secret: 'c' } }, 'etcd.user.secret: there is no such field'],
  ])('refuses %j', (block, message) => {
    expect(() => parse(block)).toThrow(message);
  });

  test.each([
    [{ cert: '/cert.pem' }, 'etcd.tls.key: is required and missing'],
    [{ key: '/key.pem' }, 'etcd.tls.cert: is required and missing'],
    [{ ca: 'ca.pem' }, 'etcd.tls.ca: expected an absolute path'],
    [{ CAfile: '/ca.pem' }, 'etcd.tls.cafile: there is no such field'],
  ])('refuses the tls %j', (tls, message) => {
    expect(() => parse({ endpoints: ['https://192.0.2.1:2379'], tls })).toThrow(message);
  });
});
