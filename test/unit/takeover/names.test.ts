import { expect, test } from 'vitest';
import {
  bandwidthInterface,
  masqueradeChain,
  masqueradeComment,
  portmapChain,
  spoofCheckChain,
} from '../../../lib/takeover/names.ts';

// What the reference's own plugins have been seen to make.

test('iptables’ chains are named by a hash of network and container', () => {
  const names = { network: 'net', containerId: 'fl-d7r-c', ifName: 'eth0' };
  expect(masqueradeChain(names)).toBe('CNI-e2aab0f879e4967ced698891');
  expect(portmapChain('DN', names)).toBe('CNI-DN-e2aab0f879e4967ced698');
  expect(portmapChain('SN', names)).toBe('CNI-SN-e2aab0f879e4967ced698');
  expect(masqueradeChain({ ...names, network: 'test', containerId: '1234' })).toBe(
    'CNI-2bbe0c48b91a7d1b8a6753a8',
  );
});

test('nftables’ rules are told by a hash of the network and one of interface and container', () => {
  const names = { network: 'unit-test', containerId: 'one', ifName: 'eth0' };
  expect(masqueradeComment(names)).toBe('6fd94d501e58f0aa-287fc69eff0574a2,');
});

test('an interface of kind ifb has a name of at most 15 characters', () => {
  const names = { network: 'net', containerId: 'fl-d7r-c', ifName: 'eth0' };
  expect(bandwidthInterface(names)).toBe('bwpe2aab0f879e4');
});

test('the spoof check’s chain has container and interface in its name', () => {
  const names = { network: 'net', containerId: 'c1', ifName: 'eth0' };
  expect(spoofCheckChain(names)).toBe('cni-br-iface-c1-eth0');
});
