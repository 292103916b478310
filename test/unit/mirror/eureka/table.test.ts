import { expect, test } from 'vitest';
import type { RawInstance } from '../../../../lib/mirror/eureka/instance-info.ts';
import { Table } from '../../../../lib/mirror/eureka/table.ts';

test('what was told first is there, each service by its name in whatever case it was written', () => {
  const table = filled(raw('web', 'b'), raw('WEB', 'a'), raw('API', 'c'));

  expect(table.names()).toEqual(['API', 'WEB']);
  expect(ids(table, 'WEB')).toEqual(['a', 'b']);
  expect(ids(table, 'NOBODY')).toEqual([]);
});

test('changes take their places, and what was deleted is gone', () => {
  const table = filled(raw('WEB', 'a'), raw('WEB', 'b'), raw('API', 'c'));

  const isComplete = table.update({
    hashCode: 'DOWN_1_UP_1_',
    instances: [
      raw('WEB', 'a', { status: 'DOWN', actionType: 'MODIFIED' }),
      raw('WEB', 'b', { actionType: 'DELETED' }),
      raw('API', 'c', { actionType: 'DELETED' }),
      raw('NEW', 'd', { actionType: 'ADDED' }),
      raw('WEB', 'never-there', { actionType: 'DELETED' }),
    ],
  });

  expect(isComplete).toBe(true);
  expect(table.names()).toEqual(['NEW', 'WEB']);
  expect(table.instancesOf('WEB')).toMatchObject([{ instanceId: 'a', status: 'DOWN' }]);
});

test('changes that do not add up to what the server has are found out', () => {
  const table = filled(raw('WEB', 'a'));

  expect(table.update({ hashCode: 'UP_3_', instances: [raw('WEB', 'b')] })).toBe(false);
});

test('a service that has not changed is the same list, and so are the names', () => {
  const table = filled(raw('WEB', 'a'), raw('API', 'c'));
  const [web, api, names] = [table.instancesOf('WEB'), table.instancesOf('API'), table.names()];

  table.update({ hashCode: '', instances: [raw('API', 'd')] });

  expect(table.instancesOf('WEB')).toBe(web);
  expect(table.instancesOf('API')).not.toBe(api);
  expect(table.names()).toBe(names);
});

function filled(...instances: readonly RawInstance[]): Table {
  const table = new Table();
  table.replace({ hashCode: '', instances });
  return table;
}

function raw(app: string, instanceId: string, said: RawInstance = {}): RawInstance {
  return { app, instanceId, ipAddr: '192.0.2.7', status: 'UP', ...said };
}

function ids(table: Table, app: string): readonly string[] {
  return table.instancesOf(app).map(({ instanceId }) => instanceId);
}
