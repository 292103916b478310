# shellcheck shell=bash
# An agent on every host takes blocks of the cluster's pool, and writes the configuration of the BIRD beside it.
# To be sourced by demo-routed.sh.
# shellcheck disable=SC2034,SC2154 # Variables are set for, and by, the scripts that are sourced before.

declare -A bird_pids=()
# How long a neighbour may be silent. Short, so that the demo is; 90s unless set.
hold_seconds=9

# What the steps that both stories have in common go by.
be_routed() {
  network=routed
  network_v4=10.50.
  network_v6=fd00:50:
}

describe_pools() {
  heading 'A pool of addresses'
  stand_on 1
  tell 'All hosts take blocks of it, of 64 addresses each, as containers need them:'
  run "$etcdctl put /fairlead/ipam/pools/main '{ \"cidr\": \"10.50.0.0/16\", \"blockSize\": 26 }'"
  ! has_ipv6 || run "$etcdctl put /fairlead/ipam/pools/main6 '{ \"cidr\": \"fd00:50::/48\", \"blockSize\": 122 }'"
}

start_routed_agents() {
  heading 'An agent on every host'
  tell 'All are told the same:'
  stand_on 1
  print_command "$(write_routed_config)"
  on_each_host start_routed_agent
  stand_on 1
  tell 'Each has taken a block of the pool. What a host may lease from is in a file, so that a container asks nobody:'
  run 'jq . /run/fairlead/blocks.json'
  run 'fairlead ipam'
  check 'no two hosts have the same block' test "$(on_each_host blocks_of | sort | uniq -d | wc -l)" = 0
}

write_routed_config() {
  cat <<CONFIG
cat > $dir/agent.json <<'EOF'
{
  "etcd": { "endpoints": ["${etcd_endpoints//,/\", \"}"] },
  "blocks": { "interface": "eth0", "hostTTL": "5s" },
  "routing": { "mode": "bird", "holdTime": "${hold_seconds}s" },
  "discovery": { "ttl": "$lease_ttl" },
  "dns": { "listen": ["127.0.0.1", "gateways"] }
}
EOF
CONFIG
}

# start_routed_agent NUMBER
start_routed_agent() {
  ask "$(write_routed_config)"
  start_daemon "fairlead agent --config $dir/agent.json" "$dir/agent.log"
  agent_pids[$1]=$daemon_pid
  wait_for 30 ask 'jq -e ".ranges != []" /run/fairlead/blocks.json && test -e /run/fairlead/api.sock' ||
    fail "host $1 gets no block: $(cat "$dir/agent.log")"
}

# The ranges of the host that is stood on, one a line.
blocks_of() {
  ask 'jq -r ".ranges[] | .first + \"-\" + .last" /run/fairlead/blocks.json'
}

start_birds() {
  heading 'A BIRD on every host'
  tell 'The agent writes its configuration, and has it read again when hosts come; it is started by the operator (there' \
    'is a unit for systemd), so that routes outlive an agent that ends.'
  stand_on 1
  wait_for 10 ask 'test -s /var/lib/fairlead/bird.conf' || fail "there is no bird.conf: $(cat "$dir/agent.log")"
  tell 'A block is announced as a whole, and a host that is known by another one is a neighbour:'
  run "sed -n '/^filter announced4/,/^}/p; /^protocol static blocks4/,/^}/p' /var/lib/fairlead/bird.conf"
  run "sed -n '/^protocol bgp host_192_0_2_2 /,/^}/p' /var/lib/fairlead/bird.conf"
  on_each_host start_bird
  on_each_host check_sessions
  stand_on 1
  run 'fairlead bgp'
}

# start_bird NUMBER
start_bird() {
  ask 'mkdir -p /run/bird'
  wait_for 10 ask 'test -s /var/lib/fairlead/bird.conf' || fail "there is no bird.conf: $(cat "$dir/agent.log")"
  start_daemon 'bird -f -c /var/lib/fairlead/bird.conf -s /run/bird/bird.ctl -P /run/bird/bird.pid' "$dir/bird.log"
  bird_pids[$1]=$daemon_pid
}

check_sessions() {
  wait_for 60 has_sessions || true
  check "host $1 has its sessions with all the others" has_sessions
}

has_sessions() {
  ask 'fairlead bgp --json' | jq -e '.neighbours | length > 0 and all(.state == "Established")'
}

stop_birds() {
  heading 'The BIRDs stop'
  on_each_host stop_bird
}

stop_bird() {
  print_command "kill ${bird_pids[$1]}"
  kill -TERM "${bird_pids[$1]}"
  check 'it has ended' wait_for 10 has_ended "${bird_pids[$1]}"
  wait "${bird_pids[$1]}" || true
}
