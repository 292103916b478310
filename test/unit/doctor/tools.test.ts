import { expect, test } from 'vitest';
import { judgeTools, type ToolsEvidence } from '../../../lib/doctor/host/judge-tools.ts';
import { statesOf, troublesOf } from './fixture.ts';

const printed = (stdout: string) => ({ status: 0, stdout, stderr: '' });

const nft = 'nftables v1.0.6 (Lester Gooch #5)\n  cli:\t\teditline\n  json:\t\tyes\n  minigmp:\tno\n';

const well: ToolsEvidence = {
  programs: {
    ip: printed('ip utility, iproute2-6.1.0, libbpf 1.1.2\n'),
    bridge: printed('bridge utility, 6.1.0\n'),
    nft: printed(nft),
  },
  kernel: { release: '6.18.44', untried: undefined, lacks: [] },
  hasOverlay: false,
};

test('programs that answer and a kernel that can do all are well, with their versions', () => {
  const [verdict] = judgeTools(well);

  expect(verdict).toMatchObject({
    state: 'ok',
    found: expect.stringMatching(/iproute2 6\.1\.0.*nftables 1\.0\.6.*6\.18/),
  });
});

test('a program that is not installed is a problem that names its package', () => {
  const ip = { status: undefined, stdout: '', stderr: 'ip is not installed, or not in PATH' };

  const verdicts = judgeTools({ ...well, programs: { ...well.programs, ip } });

  expect(troublesOf(verdicts)).toEqual([expect.stringMatching(/^problem: ip is not installed.*iproute2/)]);
});

test('an nft without JSON is a problem', () => {
  const programs = { ...well.programs, nft: printed(nft.replace('yes', 'no')) };

  expect(troublesOf(judgeTools({ ...well, programs }))).toEqual([expect.stringContaining('without JSON')]);
});

test.each([
  ['veth', false, 'problem'],
  ['nf_tables', false, 'problem'],
  ['vxlan', false, 'warning'],
  ['vxlan', true, 'problem'],
])('a kernel without %s (overlay here: %s) is a %s', (name, hasOverlay, state) => {
  const verdicts = judgeTools({ ...well, kernel: { ...well.kernel, lacks: [name] }, hasOverlay });

  expect(statesOf(verdicts)).toEqual([state]);
  expect(troublesOf(verdicts)[0]).toContain(`modprobe ${name}`);
});

test('a kernel that could not be tried is skipped, saying why', () => {
  const kernel = { ...well.kernel, untried: 'unshare --net: Operation not permitted; run it as root' };

  expect(judgeTools({ ...well, kernel })).toMatchObject([
    { state: 'skipped', found: expect.stringContaining('run it as root') },
  ]);
});
