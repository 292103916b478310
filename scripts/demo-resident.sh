# shellcheck shell=bash
# The demo with --resident: the agent carries out the calls of containerd's containers, and no Node starts for one. How long
# that takes beside the executables, and what happens while the agent is away, or is restarted under load.
# To be sourced after demo-health.sh.
# shellcheck disable=SC2154 # host, dir and the others are set by the scripts that are sourced before.

tell_resident_story() {
  prepare_host gcc libc6-dev
  open_demo_host
  install_clients
  measure_without_agent
  start_serving_agent
  measure_with_agent
  look_at_paths
  do_without_agent
  restart_under_load
  stop_serving_agent
  remove_networks
  remove_demo_host
}

install_clients() {
  heading 'Install the client under the names of the plugins'
  run 'dist/bin/fairlead install --resident'
  run 'ls -l /opt/cni/bin'
  check 'bridge is the client, and fairlead beside it the executable' is_client_installed
  run "$(write_demo_network)"
  make_rootfs "$dir/rootfs"
  write_pairs
}

# The client has less than a megabyte.
is_client_installed() {
  ask 'test $(stat -c %s /opt/cni/bin/bridge) -lt 2000000 -a $(stat -c %s /opt/cni/bin/fairlead) -gt 20000000'
}

# A script of the host's own, as short a caller as bash can be: `pairs NAME SECONDS` attaches and detaches a network
# namespace of that name again and again, and prints the tenths of a millisecond that each pair has taken.
write_pairs() {
  mkdir -p "$dir/tools"
  cat >"$dir/tools/pairs" <<'END'
#!/usr/bin/env bash
set -euo pipefail
name=$1 deadline=$((SECONDS + $2)) conf=$(mktemp)
trap 'rm -f "$conf"; ip netns del "$name"' EXIT
ip netns add "$name"
jq '.plugins[0] + { cniVersion, name }' /etc/cni/net.d/10-demo.conflist >"$conf"
export CNI_CONTAINERID=$name CNI_NETNS=/run/netns/$name CNI_IFNAME=eth0
while ((SECONDS < deadline)); do
  began=$EPOCHREALTIME
  CNI_COMMAND=ADD /opt/cni/bin/bridge <"$conf" >/dev/null
  CNI_COMMAND=DEL /opt/cni/bin/bridge <"$conf" >/dev/null
  ended=$EPOCHREALTIME
  echo $(((${ended/./} - ${began/./}) / 100))
done
END
  chmod +x "$dir/tools/pairs"
}

measure_without_agent() {
  heading 'Without the agent: each call starts an executable'
  tell 'Nobody listens at /run/fairlead/cni.sock, so the client executes fairlead, which lies beside it.'
  run "$(run_once first)"
  measure
  without_run=$measured_run without_pair=$measured_pair
  check 'the clients have noted each call, and why' \
    ask 'grep -qE "^[0-9]+ absent (ADD|DEL) bridge$" /run/fairlead/cni.fallbacks'
}

measure_with_agent() {
  heading 'With the agent'
  run "$(run_once second)"
  check 'its calls were carried out by the agent' test "$(served_calls)" -ge 2
  measure
  tell "ctr run, from its start to its end: $(show_tenths "$without_run") ms without the agent," \
    "$(show_tenths "$measured_run") ms with it. An ADD and a DEL: $(show_tenths "$without_pair") ms without," \
    "$(show_tenths "$measured_pair") ms with it."
  check 'an ADD and a DEL by the agent take less than half of what the executable takes' \
    test $((2 * measured_pair)) -lt "$without_pair"
  check 'a container comes and goes sooner' test "$measured_run" -lt "$without_run"
  check 'no call went another way' is_empty "fairlead cni --json | jq -r '.fallbacks[] | select(.lastAtMs > $served_at_ms)'"
}

# run_once NAME: a container that comes, is told its address, and goes.
run_once() {
  printf "ctr run --cni --rm --rootfs %s %s /bin/sh -c 'ip addr show dev eth0 | grep inet'" "$dir/rootfs" "$1"
}

# Sets measured_run and measured_pair, medians in tenths of a millisecond.
measure() {
  local repeat
  # shellcheck disable=SC2016 # The host's shell expands it.
  repeat='for at in {1..7}; do began=$EPOCHREALTIME'
  repeat+="; ctr run --cni --rm --null-io --rootfs $dir/rootfs run-\$at /bin/true || exit"
  # shellcheck disable=SC2016
  repeat+='; ended=$EPOCHREALTIME; echo $(((${ended/./} - ${began/./}) / 100)); done'
  measured_run=$(ask "$repeat" | median) || fail 'a container could not be run'
  measured_pair=$(ask "$dir/tools/pairs fl-timed 3" | median) || fail 'a call has failed'
}

median() {
  sort -n | awk '{ all[NR] = $1 } END { if (NR == 0) exit 1; print all[int((NR + 1) / 2)] }'
}

show_tenths() {
  printf '%d.%d' $(($1 / 10)) $(($1 % 10))
}

start_serving_agent() {
  heading 'Start the agent with "cni": {}'
  run 'echo '\''{ "cni": {}, "dns": { "listen": ["none"] } }'\'' > /etc/fairlead/agent.json'
  launch_serving_agent
  run "cat $dir/agent.log"
}

# Sets agent_pid and served_at_ms.
launch_serving_agent() {
  start_daemon 'fairlead agent --config /etc/fairlead/agent.json' "$dir/agent.log"
  agent_pid=$daemon_pid
  on_exit end_agent
  wait_for 30 grep -q 'serving CNI calls' "$dir/agent.log" || fail "the agent does not serve: $(cat "$dir/agent.log")"
  served_at_ms=$(date +%s%3N)
}

# How many calls the agent has carried out.
served_calls() {
  ask "fairlead cni --json | jq '[.calls[] | select(.path == \"resident\") | .count] | add // 0'"
}

look_at_paths() {
  heading 'Which path calls take'
  run 'fairlead cni'
  run 'fairlead doctor || true'
  check 'the doctor finds that calls go to the agent' doctor_says 'plugins go to the agent'
}

# The doctor's status tells of all of the host, and the demo's has no unit for its agent.
doctor_says() {
  ask '(fairlead doctor || true) | cat' | grep -F "$1"
}

do_without_agent() {
  local status=0
  heading 'The agent stops: containers come and go as before'
  print_command "kill $agent_pid"
  end_agent || status=$?
  check 'the agent has ended well' test "$status" = 0
  check 'it has taken its socket with it' not ask 'test -e /run/fairlead/cni.sock'
  check 'no worker is left' wait_for 10 is_without_workers
  run "$(run_once third)"
  run 'tail -n 2 /run/fairlead/cni.fallbacks'
  run 'fairlead doctor || true'
  check 'the doctor says what to do' doctor_says 'nobody takes calls'
}

is_without_workers() {
  local process
  for process in $(host_processes "$host"); do
    ! grep -qa cni-worker "/proc/$process/cmdline" 2>/dev/null || return 1
  done
}

# Four callers, one after the other's call each, while the agent ends by TERM, by KILL and by TERM again, and the plugins are
# installed anew.
restart_under_load() {
  local callers=() caller status=0
  heading 'Restart the agent, and install anew, while four callers go on'
  launch_serving_agent
  for caller in 1 2 3 4; do
    ask "$dir/tools/pairs fl-load-$caller 15" >"$dir/load-$caller" 2>&1 &
    callers+=("$!")
  done
  replace_agent TERM
  run 'dist/bin/fairlead install && dist/bin/fairlead install --resident'
  replace_agent KILL
  replace_agent TERM
  for caller in "${callers[@]}"; do wait "$caller" || status=1; done
  tell "$(cat "$dir"/load-* | wc -l) containers came and went meanwhile."
  [[ $status == 0 ]] || tail -qn 3 "$dir"/load-* | indent
  check 'no call has failed' test "$status" = 0
  check 'nothing is attached any more' wait_for 10 has_no_attachment demo
  run 'fairlead cni'
}

# replace_agent SIGNAL
replace_agent() {
  local pid=$agent_pid
  sleep 1
  print_command "kill -$1 $pid"
  agent_pid=
  # bash would tell of a child that is killed.
  disown "$pid"
  kill "-$1" "$pid"
  wait_for 20 has_ended "$pid" || fail 'the agent does not end'
  launch_serving_agent
}

stop_serving_agent() {
  heading 'Stop the agent'
  print_command "kill $agent_pid"
  end_agent
  run "tail -n 2 $dir/agent.log"
  check 'nothing is in /run/fairlead but what is known' \
    is_empty "ls /run/fairlead | grep -vxE 'cni.lock|cni.fallbacks|rules|install.*' || true"
}
