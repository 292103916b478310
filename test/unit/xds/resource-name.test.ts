import { expect, test } from 'vitest';
import { parseResourceName } from '../../../lib/xds/resource-name.ts';

const zone = 'fairlead.internal';

test.each([
  ['web', { service: 'web', namespace: undefined, port: undefined }],
  ['Web_1', { service: 'Web_1', namespace: undefined, port: undefined }],
  ['web.blue', { service: 'web', namespace: 'blue', port: undefined }],
  ['web.', { service: 'web', namespace: undefined, port: undefined }],
  ['web:http', { service: 'web', namespace: undefined, port: 'http' }],
  ['web.blue:8080', { service: 'web', namespace: 'blue', port: '8080' }],
  ['web.blue.svc.fairlead.internal', { service: 'web', namespace: 'blue', port: undefined }],
  ['web.blue.svc.Fairlead.Internal.', { service: 'web', namespace: 'blue', port: undefined }],
  ['web.blue.svc.fairlead.internal:http', { service: 'web', namespace: 'blue', port: 'http' }],
])('%s is understood', (name, expected) => {
  expect(parseResourceName(name, zone)).toEqual(expected);
});

test.each([
  '',
  ':80',
  '.blue',
  'web..svc.fairlead.internal',
  'web:',
  'web:80:81',
  'web.blue.svc',
  'web.blue.green',
  'web.blue.svc.cluster.local',
  'web.blue.pod.fairlead.internal',
  `web:${'x'.repeat(600)}`,
])('%j is refused with what would do', (name) => {
  expect(() => parseResourceName(name, zone)).toThrow(
    /^resource_names: expected service, service\.namespace or service\.namespace\.svc\.fairlead\.internal, with or/,
  );
});
