import { describe, expect, test } from 'vitest';
import { EtcdError } from '../../../lib/etcd/etcd.ts';
import {
  allFailed,
  parseRefusal,
  TokenRefused,
  toEtcdError,
  toFailure,
  Verdict,
} from '../../../lib/etcd/failure.ts';

const asked = { call: 'kv/txn', endpoint: 'http://192.0.2.1:2379' };

describe('what the gateway refuses', () => {
  test.each([
    [
      { error: 'no', message: 'no', code: 5 },
      { code: 5, message: 'no' },
    ],
    [
      { code: 5, message: 'no', details: [] },
      { code: 5, message: 'no' },
    ],
    [{ error: { grpc_code: 14, http_code: 503, message: 'no' } }, { code: 14, message: 'no' }],
    [{ error: { code: 14, message: 'no' } }, { code: 14, message: 'no' }],
    [{ error: 'no' }, { code: undefined, message: 'no' }],
    [{ error: {} }, { code: undefined, message: 'the stream failed' }],
    [{ result: {} }, undefined],
  ])('is found in %j', (answer, refusal) => {
    expect(parseRefusal(answer)).toEqual(refusal);
  });

  test.each([
    [5, 'etcdserver: requested lease not found', 'lease-lost'],
    [11, 'etcdserver: mvcc: required revision has been compacted', 'compacted'],
    [7, 'etcdserver: permission denied', 'refused'],
    [3, 'etcdserver: authentication failed, invalid user ID or password', 'refused'],
    [3, 'etcdserver: duplicate key given in txn request', 'failed'],
    [8, 'etcdserver: mvcc: database space exceeded', 'failed'],
  ])('is of all members with code %i, %s: %s', (code, message, kind) => {
    const failure = toFailure({ code, message }, asked);

    expect(failure).toBeInstanceOf(Verdict);
    expect(failure).toMatchObject({
      kind,
      endpoint: asked.endpoint,
      message: `etcd at http://192.0.2.1:2379: kv/txn: ${message}`,
    });
  });

  test.each([
    [14, 'etcdserver: no leader', 'unreachable'],
    [14, 'etcdserver: request timed out', 'unreachable'],
    [2, 'etcdserver: whatever', 'failed'],
    [undefined, 'HTTP 502', 'failed'],
  ])('may be of one member only with code %s, %s: %s', (code, message, kind) => {
    const failure = toFailure({ code, message }, asked);

    expect(failure).not.toBeInstanceOf(Verdict);
    expect(failure.kind).toBe(kind);
  });

  test.each([
    [16, 'etcdserver: invalid auth token'],
    [3, 'etcdserver: revision of auth store is old'],
    [3, 'etcdserver: user name is empty'],
  ])('asks for another token with code %i, %s', (code, message) => {
    expect(toFailure({ code, message }, asked)).toBeInstanceOf(TokenRefused);
  });
});

describe('what goes wrong on the way', () => {
  test.each([
    ['ECONNREFUSED', 'unreachable'],
    ['ECONNRESET', 'unreachable'],
    ['ENOTFOUND', 'unreachable'],
    ['HPE_INVALID_CONSTANT', 'failed'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'refused'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'refused'],
    ['CERT_HAS_EXPIRED', 'refused'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'refused'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'refused'],
    ['EPROTO', 'refused'],
  ])('%s is of kind %s', (code, kind) => {
    expect(toEtcdError(Object.assign(new Error('why'), { code }), asked)).toMatchObject({
      kind,
      message: expect.stringMatching('^etcd at http://192.0.2.1:2379: kv/txn: why'),
    });
  });

  test('has the failures of all of a host’s addresses', () => {
    const cause = new AggregateError([new Error('connect A'), new Error('connect B')]);

    expect(toEtcdError(cause, asked).message).toMatch(/: connect A, connect B$/);
  });
});

describe('the failure of all endpoints', () => {
  const [a, b] = ['a', 'b'].map((name) => new EtcdError('unreachable', name, `etcd at ${name}: gone`));
  if (a === undefined || b === undefined) throw new Error('two failures');

  test('has the same message in whatever order they were asked', () => {
    expect(allFailed('kv/txn', [a, b]).message).toBe('etcd at a: gone; etcd at b: gone');
    expect(allFailed('kv/txn', [b, a]).message).toBe('etcd at a: gone; etcd at b: gone');
  });

  test('is of the kind of the one that has answered', () => {
    const refused = new EtcdError('refused', 'c', 'etcd at c: wrong certificate');

    expect(allFailed('kv/txn', [a, refused, b])).toMatchObject({ kind: 'refused', endpoint: 'c' });
  });
});
