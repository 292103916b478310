#!/usr/bin/env bash
# containerd runs a common conflist: our bridge and host-local with the reference's portmap, firewall and tuning.
# Called by containerd.test.ts; prints what went wrong.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/setup.sh
. scripts/setup.sh
# shellcheck source=scripts/containers.sh
. scripts/containers.sh

bin=${FAIRLEAD_BIN:-dist/bin}
reference=/usr/lib/cni

main() {
  require_root
  arm_cleanups
  close_stale_hosts fl-t-containerd
  host=$(name_host fl-t-containerd)
  dir=$(host_dir "$host")
  on_exit close_host "$host"
  open_host "$host"
  install_network
  start_containerd "$host"
  make_rootfs "$dir/rootfs"

  run_container web
  expect 'the container has a leased address' on_host "$host" ctr task exec --exec-id look web /bin/ip addr show dev eth0
  expect 'the container reaches the gateway' on_host "$host" ctr task exec --exec-id ping web /bin/ping -c 1 -W 5 10.77.0.1
  expect 'the lease names the container' grep -q web "$dir"/cni-state/networks/common/10.77.0.2
  expect 'firewall of the reference has accepted the address' \
    bash -c "nsenter --net=/run/netns/$host iptables -S | grep -q 10.77.0.2"
  expect 'tuning of the reference has set its sysctl' \
    bash -c "nsenter --net=/run/netns/$host nsenter --target $(task_pid web) --net cat /proc/sys/net/core/somaxconn | grep -qx 500"

  remove_container web
  expect 'no port is left' is_silent on_host "$host" ip -br link show master cni7
  expect 'no lease is left' is_silent find "$dir/cni-state/networks/common" -name '10.*'
  expect 'no rule of firewall is left' is_silent bash -c "nsenter --net=/run/netns/$host iptables -S | grep 10.77.0.2"
  stop_containerd
}

install_network() {
  local plugin
  cp "$bin/bridge" "$bin/host-local" "$dir/cni-bin"
  for plugin in portmap firewall tuning; do cp "$reference/$plugin" "$dir/cni-bin"; done
  cat >"$dir/cni-conf/10-common.conflist" <<'END'
{
  "cniVersion": "1.0.0",
  "name": "common",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "cni7",
      "isDefaultGateway": true,
      "ipMasq": true,
      "ipam": { "type": "host-local", "subnet": "10.77.0.0/24" }
    },
    { "type": "portmap", "capabilities": { "portMappings": true } },
    { "type": "firewall" },
    { "type": "tuning", "sysctl": { "net.core.somaxconn": "500" } }
  ]
}
END
}

# Attached: `ctr` makes the DEL itself when the task ends, and only then; of a detached one nobody does.
run_container() {
  on_host "$host" timeout 120 ctr run --cni --rm --null-io --rootfs "$dir/rootfs" "$1" /bin/sleep 600 \
    >"$dir/$1.log" 2>&1 &
  runner=$!
  # A command can run in the container before its ADD has ended.
  if ! wait_for 30 on_host "$host" ctr task exec --exec-id up "$1" /bin/sh -c 'ip -4 addr show dev eth0 | grep -q inet'; then
    printf 'NOT: the container starts\n'
    cat "$dir/$1.log"
    exit 1
  fi
}

remove_container() {
  on_host "$host" timeout 30 ctr task kill --signal KILL "$1"
  # `ctr` ends with the status of the task, which was killed.
  wait "$runner" || true
  expect 'ctr has had no complaint' is_silent grep -v SIGKILL "$dir/$1.log"
}

task_pid() {
  on_host "$host" ctr task ls | awk -v name="$1" '$1 == name { print $2 }'
}

# expect SENTENCE COMMAND…
expect() {
  local sentence=$1 output
  shift
  if output=$("$@" 2>&1); then
    printf 'ok: %s\n' "$sentence"
  else
    printf 'NOT: %s\n%s\n' "$sentence" "$output"
    exit 1
  fi
}

# Whether a command prints nothing, whatever its exit status; what it prints is what should not be there.
is_silent() {
  local output
  output=$("$@") || true
  [[ -z $output ]] && return
  printf '%s\n' "$output"
  return 1
}

main
