import { expect, test } from 'vitest';
import { type ForwardingLink, judgeForwarding } from '../../../lib/doctor/host/judge-forwarding.ts';
import { statesOf, troublesOf } from './fixture.ts';

const bridge: ForwardingLink = { name: 'cni0', families: [4], closed: [], rpFilter: 0 };
const device: ForwardingLink = { name: 'flannel.1', families: [4], closed: [], rpFilter: 2 };
const on = { 4: true, 6: true };

test('forwarding that is on for the families in use is well', () => {
  expect(statesOf(judgeForwarding({ isOn: { 4: true, 6: false }, links: [bridge, device] }))).toEqual(['ok']);
});

test('forwarding that is off is one problem for all links of the family', () => {
  const dual: ForwardingLink = { ...bridge, families: [4, 6], closed: [4, 6] };

  const verdicts = judgeForwarding({
    isOn: { 4: true, 6: false },
    links: [{ ...dual, closed: [6] }, device],
  });

  expect(troublesOf(verdicts)).toEqual([
    expect.stringMatching(/net\.ipv6\.conf\.all\.forwarding is 0: IPv6 packets of cni0 .*sysctl -w net/),
  ]);
});

test("a link's own switch that is off is a problem, named as sysctl(8) takes a name with a dot", () => {
  const verdicts = judgeForwarding({ isOn: on, links: [bridge, { ...device, closed: [4] }] });

  expect(troublesOf(verdicts)).toEqual([
    expect.stringContaining('sysctl -w net.ipv4.conf.flannel/1.forwarding=1'),
  ]);
});

test('strict reverse-path filtering is a warning, loose filtering is none', () => {
  const verdicts = judgeForwarding({
    isOn: on,
    links: [
      { ...bridge, rpFilter: 2 },
      { ...device, rpFilter: 1 },
    ],
  });

  expect(troublesOf(verdicts)).toEqual([
    expect.stringMatching(/^warning: .*strict on flannel\.1.*rp_filter=2/),
  ]);
});

test('a bridge without addresses is not routed, and needs no forwarding', () => {
  const verdicts = judgeForwarding({ isOn: { 4: false, 6: false }, links: [{ ...bridge, families: [] }] });

  expect(statesOf(verdicts)).toEqual(['skipped']);
});
