import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { addRoutedMetrics } from '../../../plugins/agent/routed-metrics.ts';
import { routedParts } from '../api/routed-fixture.ts';

/** The values that a scrape shows, by name and labels. */
async function scrape(...[outcome, changes]: Parameters<typeof routedParts>): Promise<readonly string[]> {
  const registry = new Registry();
  addRoutedMetrics(registry, routedParts(outcome, changes).routed);
  const text = await registry.metrics();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('blocks, addresses, routes and sessions are counted when they are asked for', async () => {
  expect(await scrape()).toEqual([
    'fairlead_ipam_blocks 1',
    'fairlead_ipam_addresses_leased 3',
    'fairlead_ipam_addresses_free 60',
    'fairlead_ipam_suspects 1',
    'fairlead_ipam_reclaimed 7',
    'fairlead_ipam_etcd_connected 1',
    'fairlead_ipam_problems 0',
    'fairlead_routes_wanted 2',
    'fairlead_routes_missing 1',
    'fairlead_routes_repairs 2',
    'fairlead_routes_problems 1',
    'fairlead_bgp_sessions{state="up"} 1',
    'fairlead_bgp_sessions{state="down"} 1',
  ]);
});

test('there are no sessions where the agent writes the routes itself', async () => {
  const lines = await scrape(undefined, { bgp: () => Promise.resolve(undefined) });

  expect(lines.filter((line) => line.startsWith('fairlead_bgp'))).toEqual([]);
});
