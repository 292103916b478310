# shellcheck shell=bash
# The overlay: an agent on every host leases a subnet for it, and containers on different hosts reach each other.
# To be sourced by demo-cluster.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

declare -A agent_pids=()
# How long what a host has in etcd outlives it. Short, so that the demo is; 24h and 30s unless set.
lease_ttl=10s

# What start_etcd has started holds nothing yet.
describe_overlay() {
  stand_on 1
  tell 'What the overlay is stands where Flannel has it, in its words; hosts with flanneld could join.'
  run "$etcdctl put /coreos.com/network/config '$(overlay_description)'"
}

overlay_description() {
  local ipv6=
  ! has_ipv6 || ipv6=' "EnableIPv6": true, "IPv6Network": "fd00:42::/48",'
  printf '{ "Network": "10.42.0.0/16",%s "Backend": { "Type": "vxlan" } }' "$ipv6"
}

start_agents() {
  heading 'An agent on every host'
  tell 'All are told the same:'
  stand_on 1
  print_command "$(write_agent_config)"
  on_each_host start_cluster_agent
  tell 'Each has leased a subnet, and written it where flanneld does:'
  on_each_host run 'grep SUBNET /run/flannel/subnet.env'
  stand_on 1
  run "$etcdctl get --prefix /coreos.com/network/subnets/"
  check 'no two hosts have the same subnet' test "$(on_each_host subnet_of 4 | sort -u | wc -l)" = "$host_count"
}

# start_cluster_agent NUMBER
start_cluster_agent() {
  ask "$(write_agent_config)"
  start_daemon "fairlead agent --config $dir/agent.json" "$dir/agent.log"
  agent_pids[$1]=$daemon_pid
  wait_for 30 ask 'test -s /run/flannel/subnet.env && test -e /run/fairlead/api.sock' ||
    fail "host $1 gets no subnet: $(cat "$dir/agent.log")"
}

write_agent_config() {
  cat <<END
cat > $dir/agent.json <<'EOF'
{
  "etcd": { "endpoints": ["${etcd_endpoints//,/\", \"}"] },
  "overlay": { "interface": "eth0", "leaseTTL": "$lease_ttl" },
  "discovery": { "ttl": "$lease_ttl" },
  "dns": { "listen": ["127.0.0.1", "gateways"] }
}
EOF
END
}

# subnet_of FAMILY: what the host that is stood on has.
subnet_of() {
  local name=FLANNEL_SUBNET
  [[ $1 == 4 ]] || name=FLANNEL_IPV6_SUBNET
  ask "sed -n 's/^$name=//p' /run/flannel/subnet.env"
}

show_overlay() {
  heading 'What a host knows of the others, and what is in its kernel'
  stand_on 1
  run 'fairlead overlay status'
  run 'ip -d link show dev flannel.1'
  run 'ip -4 route show dev flannel.1'
  run 'ip neigh show dev flannel.1'
  run 'bridge fdb show dev flannel.1'
  check 'there is a route, a neighbour and a forwarding entry for each of the others' knows_others $((host_count - 1))
}

# knows_others COUNT: whether the kernel of the host that is stood on knows the way to just so many.
knows_others() {
  local list count
  for list in 'ip -4 route show' 'ip neigh show' 'bridge fdb show'; do
    count=$(ask "$list dev flannel.1 | wc -l")
    printf '%s: %s\n' "$list" "$count"
    ((count == $1)) || return 1
  done
}
