import { expect, test } from 'vitest';
import { call, createRig } from './rig.ts';

test('an agent that serves no CNI calls says what has it serve them', async () => {
  await using rig = await createRig();

  for (const path of ['/v1/cni', '/cni'])
    expect(await call(rig.socket, `GET ${path}`)).toMatchObject({
      status: 404,
      json: { error: { message: 'this agent serves no CNI calls', hint: expect.stringContaining('"cni"') } },
    });
});
