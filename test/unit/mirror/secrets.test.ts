import { expect, test } from 'vitest';
import { parseMirrors } from '../../../lib/mirror/config.ts';
import { parseMirrorsJson } from '../../../lib/mirror/mirrors-json.ts';

const endpoints = ['http://192.0.2.1:2379'];
const servers = ['192.0.2.1:2181'];

test.each([
  [{ type: 'consul', token: 's3cret-tökén' }, 'token: expected printable characters'],
  [{ type: 'consul', token: 53_12345 }, 'token: expected printable characters'],
  [{ type: 'consul', tokenFile: 's3cret' }, 'tokenFile: expected an absolute path'],
  [{ type: 'eureka', endpoints, user: 'admin:s3cret' }, 'user: expected an object'],
  [{ type: 'eureka', endpoints, user: ['s3cret'] }, 'user: expected an object'],
  [{ type: 'eureka', endpoints, user: { name: 'admin:s3cret' } }, 'user.name: expected printable characters'],
  [{ type: 'nacos', endpoints, user: 's3cret' }, 'user: expected an object'],
  [{ type: 'nacos', endpoints, user: { name: 'a', password: 's3cret\n' } }, 'user.password: expected'],
  [{ type: 'nacos', endpoints, user: { name: 'a s3cret' } }, 'user.name: expected printable characters'],
  [{ type: 'zookeeper', servers, auth: 'admin:s3cret' }, 'auth: expected an object'],
  [{ type: 'zookeeper', servers, auth: { user: 'admin:s3cret' } }, 'auth.user: expected a name without'],
  [{ type: 'zookeeper', servers, auth: { user: 'a', password: 53_12345 } }, 'auth.password: expected'],
  [{ type: 'etcd', endpoints, user: 'root:s3cret' }, 'user: expected an object'],
  [
    { type: 'etcd', endpoints, user: { name: 'root', password: 53_12345 } },
    'user.password: expected a string',
  ],
  [
    { type: 'etcd', endpoints, user: { name: 'root', passwordFile: 's3cret' } },
    'user.passwordFile: expected',
  ],
])('%j is refused, and nothing of the secret shown', (mirror, says) => {
  const refused = () => parseMirrors({ mirrors: [{ name: 'm', ...mirror }] });

  expect(refused).toThrow(`mirrors[0].${says}`);
  expect(refused).toThrow('found "(not shown)"');
  expect(refused).not.toThrow(/s3cret|5312345/);
});

test.each(['{"token": s3cret}', '{"token": "s3cret" "ttl"}', '{"token": "s3cret\n"}'])(
  'a file that is no JSON is not quoted: %j',
  (text) => {
    const refused = () => parseMirrorsJson(text, '/etc/fairlead/mirrors.json');

    expect(refused).toThrow(/^\/etc\/fairlead\/mirrors\.json is not JSON(?: at position \d+ \(line .*\))?$/);
    expect(refused).not.toThrow(/cret/);
  },
);
