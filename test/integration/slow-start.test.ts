import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { binDir } from '../support/binaries.ts';
import { inside, run } from '../support/process.ts';
import { Rig } from '../support/rig.ts';
import { until } from '../support/until.ts';

// The executable begins with a snapshot of a process that had set timers. Held up at various points of its start, one
// that is late for them must still have timers of its own: a request that waits is answered when its time is over.
test.each([60, 80, 100, 120])('an agent that is held up %d ms after it began has timers', async (afterMs) => {
  await using rig = await Rig.create();
  const socket = `${rig.dir}/api.sock`;
  const args = ['agent', '--store', rig.store, '--dns', 'none', '--api', `unix:${socket}`];
  const agent = execa('nsenter', inside(rig.host, `${binDir}/fairlead`, ...args), {
    reject: false,
    timeout: 30_000,
  });
  await sleep(afterMs);
  agent.kill('SIGSTOP');
  await sleep(3_000);
  agent.kill('SIGCONT');

  const ask = (path: string) =>
    run({ file: 'curl', args: ['-s', '-m', '5', '--unix-socket', socket, `http://agent${path}`] });
  await until(async () => (await ask('/healthz')).status === 0, 'the API');
  const { revision } = JSON.parse((await ask('/v1/watch')).stdout);
  const waiting = await ask(`/v1/watch?since=${revision}&wait=1s`);
  agent.kill('SIGTERM');
  await agent;

  expect(waiting.status).toBe(0);
});
