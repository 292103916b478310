# shellcheck shell=bash
# The store that the hosts share: etcd with three members, each on a machine of its own.
# To be sourced by demo-cluster.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

etcd_endpoints=http://192.0.2.201:2379,http://192.0.2.202:2379,http://192.0.2.203:2379
etcdctl="etcdctl --endpoints $etcd_endpoints"
declare -A etcd_pids=()

# stand_at_etcd MEMBER: what follows is run on the machine of this member.
stand_at_etcd() {
  host=$cluster-e$1
  dir=$(host_dir "$host")
  place=etcd$1
}

start_etcd() {
  local member
  heading 'The store that they share: etcd'
  tell 'Three members, of which one may fail; each on a machine of its own:'
  for member in 1 2 3; do
    stand_at_etcd "$member"
    open_host "$host"
    plug_in "20$member"
    start_member "$member"
  done
  stand_on 1
  check_members
}

check_members() {
  wait_for 30 ask "$etcdctl endpoint health" || true
  run_check "$etcdctl endpoint health" 'all members are well'
}

# start_member MEMBER: the server; it prints only what is wrong.
start_member() {
  start_daemon "$(member_command "$1" "http://192.0.2.20$1")" "$dir/etcd.log"
  etcd_pids[$1]=$daemon_pid
  disown
}

# member_command MEMBER URL
member_command() {
  local peers=etcd1=http://192.0.2.201:2380,etcd2=http://192.0.2.202:2380,etcd3=http://192.0.2.203:2380
  printf '%s \\\n  ' "etcd --name etcd$1 --data-dir $dir/etcd --logger zap --log-outputs stderr --log-level warn" \
    "--listen-client-urls $2:2379 --advertise-client-urls $2:2379" \
    "--listen-peer-urls $2:2380 --initial-advertise-peer-urls $2:2380"
  printf '%s' "--initial-cluster $peers"
}

# The number of the member that leads; fails where there is none.
leading_member() {
  ask "$etcdctl endpoint status -w json" |
    jq -er 'map(select(.Status.leader == .Status.header.member_id) | .Endpoint)[0] | capture("192.0.2.20(?<n>.)").n'
}
