import { expect, test } from 'vitest';
import { toLoadAssignment } from '../../../lib/xds/load-assignment.ts';
import { instanceOf } from '../../support/registry.ts';

const endpoint = (address: string, weight: number) => ({
  endpoint: { address: { socket_address: { protocol: 'TCP', address, port_value: 80 } } },
  health_status: 'HEALTHY',
  load_balancing_weight: weight,
});

test('an instance is an endpoint with its address, port and weight', () => {
  const instances = [instanceOf({ weight: 3 }), instanceOf({ address: 'fd00::2', weight: 1 })];
  expect(toLoadAssignment('web.default', instances)).toEqual({
    '@type': 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
    cluster_name: 'web.default',
    endpoints: [
      { lb_endpoints: [endpoint('10.1.0.2', 3), endpoint('fd00::2', 1)], load_balancing_weight: 4 },
    ],
  });
});

test('without instances there are no endpoints', () => {
  expect(toLoadAssignment('web', []).endpoints).toEqual([]);
});

test('weight 0 is left out while others are there, and alone all are alike', () => {
  const [none, idle, busy] = [0, 0, 5].map((weight, at) => instanceOf({ address: `10.1.0.${at}`, weight }));
  if (none === undefined || idle === undefined || busy === undefined) throw new Error('three were made');
  expect(toLoadAssignment('web', [none, busy]).endpoints).toEqual([
    { lb_endpoints: [endpoint('10.1.0.2', 5)], load_balancing_weight: 5 },
  ]);
  expect(toLoadAssignment('web', [none, idle]).endpoints).toEqual([
    { lb_endpoints: [endpoint('10.1.0.0', 1), endpoint('10.1.0.1', 1)], load_balancing_weight: 2 },
  ]);
});

test('instances that say where they are, are together with those of the same place', () => {
  const near = { region: 'eu', zone: 'a', team: 'x' };
  const { endpoints } = toLoadAssignment('web', [
    instanceOf({ address: '10.1.0.1', meta: near, weight: 2 }),
    instanceOf({ address: '10.1.0.2' }),
    instanceOf({ address: '10.1.0.3', meta: { ...near, team: 'y' }, weight: 4 }),
    instanceOf({ address: '10.1.0.4', meta: { region: 'eu', zone: 'b', sub_zone: 'rack-1' } }),
  ]);
  expect(endpoints).toEqual([
    {
      locality: { region: 'eu', zone: 'a' },
      lb_endpoints: [endpoint('10.1.0.1', 2), endpoint('10.1.0.3', 4)],
      load_balancing_weight: 6,
    },
    { lb_endpoints: [endpoint('10.1.0.2', 1)], load_balancing_weight: 1 },
    {
      locality: { region: 'eu', zone: 'b', sub_zone: 'rack-1' },
      lb_endpoints: [endpoint('10.1.0.4', 1)],
      load_balancing_weight: 1,
    },
  ]);
});

test('what Envoy cannot connect to is no endpoint: no port, or SCTP', () => {
  const { endpoints } = toLoadAssignment('web', [
    instanceOf({ port: 0 }),
    instanceOf({ transport: 'sctp' }),
    instanceOf({ transport: 'udp' }),
  ]);
  expect(endpoints.flatMap(({ lb_endpoints }) => lb_endpoints)).toMatchObject([
    { endpoint: { address: { socket_address: { protocol: 'UDP' } } } },
  ]);
});
