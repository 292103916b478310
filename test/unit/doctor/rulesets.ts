/** What `nft -j list ruleset` prints, as nft 1.0.6 does, of rulesets that hosts really have. */

type Rule = readonly object[];

/** One chain with rules of one's own. */
export function plain(policy: 'accept' | 'drop', ...rules: readonly Rule[]): string {
  return ruleset('inet', 'mine', [
    { name: 'fwd', hook: { type: 'filter', hook: 'forward', prio: 0, policy }, rules },
    { name: 'in', hook: { type: 'filter', hook: 'input', prio: 0, policy: 'drop' }, rules: [] },
  ]);
}

/** The same with a table of ours, in which much is dropped. */
export function ours(text: string): string {
  const mine = ruleset('bridge', 'fairlead', [
    { name: 'spoof', hook: { type: 'filter', hook: 'forward', prio: 0, policy: 'drop' }, rules: [] },
  ]);
  return JSON.stringify({ nftables: [...JSON.parse(text).nftables, ...JSON.parse(mine).nftables] });
}

/** firewalld 1.3: it accepts by policy, and rejects in its last rule. @param trusted an interface of that zone */
export function firewalld(trusted?: string): string {
  const zones = [['eth0', { goto: { target: 'filter_FWD_public' } }]];
  if (trusted !== undefined) zones.push([trusted, { goto: { target: 'filter_FWD_trusted' } }]);
  return ruleset('inet', 'firewalld', [
    {
      name: 'filter_FORWARD',
      hook: { type: 'filter', hook: 'forward', prio: 10, policy: 'accept' },
      rules: [
        [match('in', { ct: { key: 'state' } }, ['established', 'related']), { accept: null }],
        [match('in', { ct: { key: 'status' } }, 'dnat'), { accept: null }],
        [match('==', { meta: { key: 'iifname' } }, 'lo'), { accept: null }],
        [{ jump: { target: 'filter_FORWARD_ZONES' } }],
        [match('in', { ct: { key: 'state' } }, ['invalid']), { drop: null }],
        [{ reject: { type: 'icmpx', expr: 'admin-prohibited' } }],
      ],
    },
    {
      name: 'filter_FORWARD_ZONES',
      rules: [[{ vmap: { key: { meta: { key: 'iifname' } }, data: { set: zones } } }]],
    },
    { name: 'filter_FWD_public', rules: [[{ reject: { type: 'icmpx', expr: 'admin-prohibited' } }]] },
    { name: 'filter_FWD_trusted', rules: [[{ accept: null }]] },
  ]);
}

/** Docker by iptables-nft. @param user rules in the chain that is the operator's */
export function docker(...user: readonly Rule[]): string {
  const toDocker = match('==', { meta: { key: 'oifname' } }, 'docker0');
  const counter = { counter: { packets: 0, bytes: 0 } };
  return ruleset('ip', 'filter', [
    {
      name: 'FORWARD',
      hook: { type: 'filter', hook: 'forward', prio: 0, policy: 'drop' },
      rules: [
        [counter, { jump: { target: 'DOCKER-USER' } }],
        [toDocker, { xt: { type: 'match', name: 'conntrack' } }, counter, { accept: null }],
        [match('==', { meta: { key: 'iifname' } }, 'docker0'), counter, { accept: null }],
      ],
    },
    { name: 'DOCKER-USER', rules: user },
  ]);
}

/** ufw by iptables-nft, as it is after `ufw enable`. */
export const ufw = ruleset('ip', 'filter', [
  {
    name: 'FORWARD',
    hook: { type: 'filter', hook: 'forward', prio: 0, policy: 'drop' },
    rules: [[{ jump: { target: 'ufw-before-forward' } }], [{ jump: { target: 'ufw-user-forward' } }]],
  },
  { name: 'ufw-before-forward', rules: [[{ xt: { type: 'match', name: 'conntrack' } }, { accept: null }]] },
  { name: 'ufw-user-forward', rules: [] },
]);

type Chain = { readonly name: string; readonly hook?: object; readonly rules: readonly Rule[] };

function ruleset(family: string, table: string, chains: readonly Chain[]): string {
  const metainfo = { version: '1.0.6', release_name: 'Lester Gooch #5', json_schema_version: 1 };
  return JSON.stringify({
    nftables: [
      { metainfo },
      { table: { family, name: table, handle: 1 } },
      ...chains.map(({ name, hook }) => ({ chain: { family, table, name, ...hook } })),
      ...chains.flatMap(({ name, rules }) =>
        rules.map((expr) => ({ rule: { family, table, chain: name, expr } })),
      ),
    ],
  });
}

function match(op: string, left: object, right: unknown): object {
  return { match: { op, left, right } };
}
