# shellcheck shell=bash
# The machines of the cluster: hosts with a containerd each, those of etcd, and the network that links them.
# To be sourced by demo-cluster.sh. Sets cluster, with which all their names begin.
# shellcheck disable=SC2154 # The others are set by the scripts that are sourced before.

declare -A containerd_pids=()

# stand_on NUMBER: what follows is run on the host with this number.
stand_on() {
  host=$cluster-h$1
  dir=$(host_dir "$host")
  place=host$1
}

# on_each_host COMMAND [ARGUMENT…]: on one host after the other, with its number as the last argument.
on_each_host() {
  local number
  for ((number = 1; number <= host_count; number++)); do
    stand_on "$number"
    "$@" "$number"
  done
}

# prepare_cluster [PACKAGE…]
prepare_cluster() {
  prepare_host etcd-server etcd-client "$@"
}

open_cluster() {
  heading "$host_count hosts, and a network between them"
  machine_before=$(machine_state)
  cluster=$(name_host fl-demo)
  on_exit close_cluster
  open_underlay
  on_each_host open_cluster_host
  tell "Each host is a network namespace ($cluster-h1 …) and a mount namespace," \
    'with files, a /run and a containerd of its own. A bridge in one more namespace links them.'
  stand_on 1
  run 'ip -br addr show dev eth0'
  check 'the hosts reach each other' reach_all "$(underlay_addresses)"
  check 'and nobody else: there is no default route' is_empty 'ip route show default'
}

open_underlay() {
  ip netns add "$cluster-net"
  ip -n "$cluster-net" -batch - <<'END'
link set dev lo up
link add name br0 type bridge mcast_snooping 0
link set dev br0 up
END
}

open_cluster_host() {
  open_host "$host"
  equip_host "$1"
}

# equip_host NUMBER: what it needs after each boot.
equip_host() {
  ask "echo $place >/proc/sys/kernel/hostname"
  plug_in "$1"
  mount_on_host "$host" "$PWD/dist/bin" /opt/cni/bin
  start_containerd "$host"
  containerd_pids[$1]=$containerd_pid
}

# plug_in NUMBER: links the machine with the underlay. Nobody else has the addresses, so nobody is asked. The MAC is the
# same after each boot, as a network card's is.
plug_in() {
  local mac
  printf -v mac '02:00:c0:00:02:%02x' "$1"
  ip -n "$cluster-net" -batch - <<END
link add name port$1 type veth peer name eth0 address $mac netns $host
link set dev port$1 master br0 up
END
  ip -n "$host" addr add "192.0.2.$1/24" dev eth0
  ! has_ipv6 || ip -n "$host" addr add "2001:db8:5::$1/64" dev eth0 nodad
  ip -n "$host" link set dev eth0 up
}

underlay_addresses() {
  local number
  for ((number = 1; number <= host_count; number++)); do
    printf '192.0.2.%s ' "$number"
    ! has_ipv6 || printf '2001:db8:5::%s ' "$number"
  done
}

# reach_all ADDRESSES: whether each answers the host.
reach_all() {
  ask "for address in $1; do busybox ping -c 1 -W 2 \$address || exit; done"
}

remove_cluster() {
  heading 'Remove the hosts'
  on_each_host empty_host
  close_cluster
  check 'no network namespace is left' not compgen -G "/run/netns/$cluster-*"
  check 'no mount is left' not grep -hF "$cluster" /proc/[0-9]*/mountinfo
  check 'no process is left' not list_processes "$cluster"
  check 'no cgroup is left' test -z "$(host_cgroups "$cluster-*")"
  check 'no file is left' not compgen -G "$(host_dir "$cluster")-*"
  check "the machine's own links, rules and CNI directories are as they were" is_machine_unchanged
  check "the machine's own registry has none of it" not grep -rqF "$cluster" /var/lib/fairlead
}

empty_host() {
  containerd_pid=${containerd_pids[$1]}
  stop_containerd || fail "the containerd of host $1 does not end"
  check "no process is left on host $1 but the one that holds its namespaces" wait_for 10 is_deserted
}

# All that has a name of the cluster's, so that what was made half-way goes, too.
close_cluster() {
  local name
  # bash would tell of each child that is killed.
  disown -a
  while read -r name; do
    step "removing $name"
    close_host "$name" </dev/null
  done < <(list_hosts fl-demo | grep -F "$cluster-")
}
