# shellcheck shell=bash
# The host on which the demo takes place: what it needs, how it comes, and how it goes.
# To be sourced after demo-state.sh. Sets host, and dir, the directory of the host's files.
# shellcheck disable=SC2154 # the others are set by the scripts that are sourced before.

# Kept from run to run: compiling it takes longer than all the rest.
cnitool_dir=${XDG_CACHE_HOME:-$HOME/.cache}/fairlead/cnitool-$cnitool_version

prepare() {
  # shellcheck disable=SC2119
  prepare_host
  need_cnitool "$cnitool_dir" || tell 'No cnitool is to be had (see above): the steps that need it will be skipped.'
  PATH=$PATH:$cnitool_dir
}

# prepare_host [PACKAGE…]: those that are needed beside the usual.
# shellcheck disable=SC2120 # demo-cluster-hosts.sh passes some.
prepare_host() {
  heading 'Prepare and build'
  require_root
  close_stale_hosts fl-demo
  need_packages containerd runc busybox-static iproute2 nftables binutils jq bind9-dnsutils curl "$@"
  need_node
  need_node_modules
  need_build
}

has_cnitool() {
  [[ -x $cnitool_dir/cnitool ]]
}

open_demo_host() {
  heading 'A host of its own, with containerd'
  machine_before=$(machine_state)
  host=$(name_host fl-demo)
  dir=$(host_dir "$host")
  on_exit close_demo_host
  open_host "$host"
  tell "The host is the network namespace $host. Its files are in $dir," \
    'which it has mounted at /opt/cni/bin, /etc/cni/net.d, /etc/fairlead, /var/lib/cni and /var/lib/fairlead; its' \
    '/run is its own, too.' \
    "\"host#\" stands for: nsenter --net=/run/netns/$host --mount=/proc/${host_holders[$host]}/ns/mnt"
  print_command "$(containerd_command "$host") &"
  start_containerd "$host"
  run 'ctr version'
  check "containerd is in the host's network namespace" is_inside "$containerd_pid"
}

is_inside() {
  local netns
  netns=$(ask 'readlink /proc/self/ns/net')
  [[ $(readlink "/proc/$1/ns/net") == "$netns" ]]
}

close_demo_host() {
  [[ -e /run/netns/$host || -e $dir ]] || return 0
  step "removing $host"
  close_host "$host"
}

remove_networks() {
  local name
  heading 'Remove the networks'
  for name in demo small shop; do
    ! compgen -G "$dir/cni-conf/*-$name.conflist" >/dev/null || run "fairlead network rm $name"
  done
  run 'ip -br link'
  check 'no link but lo, no rule and no lease directory is left' is_bare
  check 'containerd has neither task nor container' is_empty 'ctr task ls -q; ctr container ls -q'
  check 'no network namespace of a container is left' is_empty 'ip netns list'
}

remove_demo_host() {
  heading 'Remove the host'
  print_command "kill $containerd_pid"
  stop_containerd || fail 'containerd does not end'
  check 'no process is left on the host but the one that holds its namespaces' wait_for 10 is_deserted
  close_host "$host"
  check 'no network namespace is left' not test -e "/run/netns/$host"
  check 'no mount is left' not grep -hF "$host" /proc/[0-9]*/mountinfo
  check 'no process is left' not list_processes "$host"
  check 'no cgroup is left' test -z "$(host_cgroups "$host")"
  check 'no file is left' not test -e "$dir"
  check "the machine's own links, rules and CNI directories are as they were" is_machine_unchanged
  check "the machine's own registry has none of it" not grep -rqF "$host" /var/lib/fairlead
}

is_machine_unchanged() {
  local after
  after=$(machine_state)
  diff <(printf '%s\n' "$machine_before") - <<<"$after"
}

is_deserted() {
  [[ $(host_processes "$host") == "${host_holders[$host]}" ]]
}

# The processes whose command line has the text; fails where there are none.
list_processes() {
  local file line found=1
  for file in /proc/[0-9]*/cmdline; do
    line=$(tr '\0' ' ' 2>/dev/null <"$file") || continue
    [[ $line == *"$1"* ]] || continue
    printf '%s: %s\n' "$file" "$line"
    found=0
  done 2>/dev/null
  return "$found"
}

# All that the plugins would have made on the machine itself, had they been in the wrong namespace.
machine_state() {
  local place
  ip -j link | jq -r '.[] | select(.ifalias // "" | startswith("fairlead/")) | "link \(.ifname)"'
  nft list tables | grep -w fairlead || true
  grep -H . /proc/sys/net/ipv4/ip_forward
  for place in /opt/cni/bin /etc/cni/net.d /var/lib/cni/networks /var/lib/cni/networks.fairlead /opt/containerd; do
    find "$place" -maxdepth 1 -printf '%p %s %t\n' 2>/dev/null | sort || true
  done
  # An agent of the machine's own writes to these.
  find /var/lib/fairlead /run/fairlead -maxdepth 0 2>/dev/null || true
}
