#!/usr/bin/env bash
# Programs in a container resolve names by glibc, with the resolv.conf that follows from their ADD's result: names of
# the registry, and through the agent those that a real dnsmasq answers in another namespace.
# Called by getent.test.ts; prints what went wrong.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/setup.sh
. scripts/setup.sh
# shellcheck source=scripts/containers.sh
. scripts/containers.sh

bin=${FAIRLEAD_BIN:-dist/bin}
zone=fairlead.internal

main() {
  require_root
  arm_cleanups
  close_stale_hosts fl-t-getent
  host=$(name_host fl-t-getent)
  dir=$(host_dir "$host")
  on_exit close_host "$host"
  open_host "$host"
  start_upstream
  install_network
  start_agent
  start_containerd "$host"
  run_container one
  run_container two
  # The gateway's IPv6 address is tentative at first; a resolver that had to try it would wait.
  wait_for 10 grep -q 'at the gateway.*fd00:77::1' "$dir/agent.log"

  resolve_services
  resolve_short_names
  resolve_unknown_names
  resolve_foreign_names

  stop_agent
  stop_containerd
}

# dnsmasq, on a host of its own beside ours. It knows one name, and that no other is in example.test.
start_upstream() {
  upstream=$host-upstream
  on_exit close_host "$upstream"
  open_host "$upstream"
  ip -n "$host" link add upstream0 type veth peer name eth0 netns "$upstream"
  ip -n "$host" addr add 10.99.0.1/24 dev upstream0
  ip -n "$host" link set upstream0 up
  ip -n "$upstream" addr add 10.99.0.2/24 dev eth0
  ip -n "$upstream" link set eth0 up
  upstream_log=$(host_dir "$upstream")/dnsmasq.log
  (exec_on_host "$upstream" dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root \
    --no-resolv --no-hosts --bind-interfaces --listen-address=10.99.0.2 --log-queries --log-facility=- \
    --local=/example.test/ --host-record=printer.example.test,192.0.2.53,2001:db8::53) </dev/null &>"$upstream_log" &
  disown
  wait_for 10 grep -q started "$upstream_log"
}

install_network() {
  cp --preserve=links "$bin"/* "$dir/cni-bin"
  cat >"$dir/cni-conf/10-names.conflist" <<'END'
{
  "cniVersion": "1.0.0",
  "name": "names",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "cni7",
      "isDefaultGateway": true,
      "ipam": {
        "type": "host-local",
        "ranges": [[{ "subnet": "10.77.0.0/24" }], [{ "subnet": "fd00:77::/64" }]]
      },
      "registry": { "service": "web", "dns": true }
    }
  ]
}
END
}

start_agent() {
  (exec_on_host "$host" fairlead agent --dns gateways --upstream 10.99.0.2 --api none) </dev/null &>"$dir/agent.log" &
  agent_pid=$!
  wait_for 20 grep -q serving "$dir/agent.log"
}

stop_agent() {
  local status=0
  kill -TERM "$agent_pid"
  wait_for 10 has_ended "$agent_pid"
  wait "$agent_pid" || status=$?
  expect 'the agent has ended well' test "$status" = 0
}

# Attached: `ctr` makes the DEL itself when the task ends. What its ADD was answered is there when the ADD is over; the
# container can be entered before.
run_container() {
  local name=$1 root=$dir/root-$1 result=$dir/cni-state/results/names-$host-$1-eth0
  make_rootfs "$root"
  make_glibc_root "$root"
  on_host "$host" timeout 120 ctr run --cni --rm --null-io --rootfs "$root" "$name" /bin/sleep 600 &>"$dir/$name.log" &
  if ! wait_for 30 test -e "$result"; then
    printf 'NOT: the container starts\n'
    cat "$dir/$name.log"
    exit 1
  fi
  jq -r "$resolv_conf_filter" "$result" >"$root/etc/resolv.conf"
}

resolve_services() {
  expect 'the short name of a service leads to all its instances, by IPv6 where there is some' \
    gives hosts web fd00:77::2 fd00:77::3
  expect 'its whole name leads to the addresses of both families' \
    gives ahosts "web.default.svc.$zone" 10.77.0.2 10.77.0.3 fd00:77::2 fd00:77::3
  expect 'an address leads to the name of its container' names 10.77.0.3 "$host-two.names.$zone"
}

resolve_short_names() {
  expect 'a service and its namespace are found through the search list' gives ahostsv4 web.default 10.77.0.2 10.77.0.3
  expect 'a container is found by its own name through the search list' gives ahostsv4 "$host-two" 10.77.0.3
  expect 'which is completed' names "$host-two" "$host-two.names.$zone"
}

resolve_unknown_names() {
  expect 'an unknown short name is not found' is_unknown nobody
  expect 'nor is an unknown name of the zone' is_unknown "nobody.default.svc.$zone"
  expect 'and no name of the zone was forwarded' not grep "$zone" "$upstream_log"
}

resolve_foreign_names() {
  expect 'a foreign name is forwarded' gives ahosts printer.example.test 192.0.2.53 2001:db8::53
  expect 'by the host, for the container' grep -q 'query\[A\] printer.example.test from 10.99.0.1' "$upstream_log"
  expect 'a foreign name that nobody has is not found' is_unknown nobody.example.test
}

# getent_in_one DATABASE KEY
getent_in_one() {
  on_host "$host" timeout 20 ctr task exec --exec-id ask one /bin/getent "$@"
}

# gives DATABASE KEY ADDRESS…: whether getent gives these addresses, in any order, and no others.
gives() {
  local output given expected
  output=$(getent_in_one "$1" "$2")
  given=$(awk '{ print $1 }' <<<"$output" | sort -u)
  shift 2
  expected=$(printf '%s\n' "$@" | sort -u)
  diff <(printf '%s\n' "$expected") - <<<"$given"
}

# names KEY NAME: whether getent calls it by this name.
names() {
  local output
  output=$(getent_in_one hosts "$1")
  printf '%s\n' "$output"
  [[ $output == *" $2" ]]
}

# getent's status for a key that was not found is 2; every other failure has another.
is_unknown() {
  local status=0
  getent_in_one hosts "$1" || status=$?
  [[ $status == 2 ]]
}

not() {
  ! "$@"
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

main
