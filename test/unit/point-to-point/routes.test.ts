import { expect, test } from 'vitest';
import { parseResult } from '../../../lib/cni/result-parse.ts';
import { formatAddress } from '../../../lib/net/address.ts';
import { formatCidr } from '../../../lib/net/cidr.ts';
import type { ContainerRoute } from '../../../lib/plan/operation.ts';
import { containerRoutes, resultRoutes } from '../../../lib/point-to-point/container-routes.ts';
import { wireAddresses } from '../../../lib/point-to-point/gateway.ts';
import type { Wiring } from '../../../lib/point-to-point/kind.ts';

type Lease = { readonly address: string; readonly gateway?: string };

const v4: Lease = { address: '10.22.0.2/24', gateway: '10.22.0.1' };
const v6: Lease = { address: 'fd00:22::2/64', gateway: 'fd00:22::1' };

function routesOf(wiring: Wiring, ips: readonly Lease[], routes: readonly object[] = []) {
  const leased = parseResult({ ips, routes }, 'leased', '1.1.0');
  const wired = wireAddresses(wiring, leased.ips);
  const result = resultRoutes(wiring, leased.routes, wired);
  return { result: result.map(textOf), container: containerRoutes(wiring, result, wired).map(textOf) };
}

function textOf({ dst, gw, src }: ContainerRoute): string {
  const via = gw === undefined ? '' : ` via ${formatAddress(gw)}`;
  return `${formatCidr(dst)}${via}${src === undefined ? '' : ` src ${formatAddress(src)}`}`;
}

test('a family without a route gets a default route by the link-local gateway; one with a route has that alone', () => {
  const { result } = routesOf('link-local-gateway', [v4, v6], [{ dst: '10.0.0.0/8' }]);

  expect(result).toEqual(['10.0.0.0/8', '::/0 via fe80::ecee:eeff:feee:eeee']);
});

test('two addresses of a family have one gateway, and one default route', () => {
  const { result, container } = routesOf('link-local-gateway', [v4, { address: '10.23.0.2/24' }]);

  expect(result).toEqual(['0.0.0.0/0 via 169.254.1.1']);
  expect(container).toEqual(['169.254.1.1/32', '0.0.0.0/0 via 169.254.1.1']);
});

test('a subnet is reached by its gateway, and what IPAM says by that, too', () => {
  const { result, container } = routesOf('subnet-gateway', [v4], [{ dst: '0.0.0.0/0' }]);

  expect(result).toEqual(['0.0.0.0/0']);
  expect(container).toEqual([
    '10.22.0.1/32 src 10.22.0.2',
    '10.22.0.0/24 via 10.22.0.1 src 10.22.0.2',
    '0.0.0.0/0 via 10.22.0.1',
  ]);
});

test('two addresses of one subnet have one way to it', () => {
  const { container } = routesOf('subnet-gateway', [v4, { ...v4, address: '10.22.0.9/24' }]);

  expect(container).toEqual(['10.22.0.1/32 src 10.22.0.2', '10.22.0.0/24 via 10.22.0.1 src 10.22.0.2']);
});

test('an address without a gateway is refused where the gateway is the subnet’s', () => {
  const wiring = () => routesOf('subnet-gateway', [{ address: '10.22.0.2/24' }]);

  expect(wiring).toThrow(expect.objectContaining({ code: 7, message: expect.stringContaining('gateway') }));
});
