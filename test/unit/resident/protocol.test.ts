import { describe, expect, test } from 'vitest';
import {
  bodyBytesOf,
  decodeRequest,
  decodeSizes,
  encodeAnswer,
  longestHello,
  parseHello,
  renderHello,
  requestHeaderBytes,
} from '../../../lib/resident/protocol.ts';

const hello = {
  buildId: '0123456789abcdef0123456789abcdef',
  netNamespace: '4:4026531840',
  mountNamespace: '4:4026531841',
  root: '65024:2',
};

describe('the greeting', () => {
  test('is read as it was written', () => {
    expect(parseHello(renderHello(hello))).toEqual(hello);
  });

  test('is one line of known length at most', () => {
    const most = `${2n ** 64n - 1n}`;
    const where = `${most}:${most}`;
    const longest = renderHello({ ...hello, netNamespace: where, mountNamespace: where, root: where });
    expect(longest.length).toBeLessThanOrEqual(longestHello);
    expect(longest.endsWith('\n')).toBe(true);
  });

  test.each([
    '',
    'fairlead-cni 2 0123456789abcdef0123456789abcdef 4:1 4:2 1:2\n',
    'fairlead-cni 1 0123456789abcdef0123456789abcde 4:1 4:2 1:2\n',
    'fairlead-cni 1 0123456789abcdef0123456789abcdef 4:1 4:2 1:2',
    'fairlead-cni 1 0123456789abcdef0123456789abcdef 4:1 4:2\n',
    'HTTP/1.1 400 Bad Request\r\n',
  ])('is none: %j', (line) => {
    expect(parseHello(line)).toBeUndefined();
  });
});

describe('a request', () => {
  const encode = (parts: readonly string[], startedAtUs = 0n) => {
    const header = Buffer.alloc(requestHeaderBytes);
    parts.forEach((part, index) => void header.writeUInt32LE(Buffer.byteLength(part), index * 4));
    header.writeBigUInt64LE(startedAtUs, 16);
    const sizes = decodeSizes(header);
    return { sizes, request: decodeRequest(Buffer.from(parts.join('')), sizes) };
  };

  test('has its four parts, and when its client began', () => {
    const { sizes, request } = encode(['bridge', '/tmp/ü', 'A=1\0B=x=y\0', '{"name":"ü"}'], 123n);
    expect(bodyBytesOf(sizes)).toBe(6 + 7 + 10 + 13);
    expect({ ...request, env: { ...request.env } }).toEqual({
      name: 'bridge',
      directory: '/tmp/ü',
      env: { A: '1', B: 'x=y' },
      stdin: '{"name":"ü"}',
      startedAtUs: 123,
    });
  });

  test('of two variables of one name, the first counts, and one without a name does not', () => {
    const { env } = encode(['', '', 'A=1\0A=2\0=x\0B\0__proto__=y\0', '']).request;
    expect(Object.entries(env)).toEqual([
      ['A', '1'],
      ['__proto__', 'y'],
    ]);
  });
});

test('an answer says how long its texts are, in bytes', () => {
  const answer = encodeAnswer({ status: 1, stdout: 'ü', stderr: 'abc' });
  expect(answer.toString('latin1', 0, 1)).toBe('R');
  expect([1, 5, 9].map((at) => answer.readUInt32LE(at))).toEqual([1, 2, 3]);
  expect(answer.toString('utf8', 13)).toBe('üabc');
});
