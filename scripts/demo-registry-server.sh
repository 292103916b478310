# shellcheck shell=bash
# The registry's own server on the demo's host: how it starts, dies and begins anew.
# To be sourced by demo-registry.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

# All that a server stores, besides its settings.
server_data() {
  printf '%s/data' "$dir"
}

start_server() {
  heading "The registry that is there already: $registry"
  "configure_$registry"
  launch_server
  check "it is in the host's network namespace" is_inside "$server_pid"
}

# Sets server_pid.
launch_server() {
  mkdir -p "$(server_data)"
  start_daemon "$("${registry}_command")" "$dir/$registry.log"
  server_pid=$daemon_pid
  # bash would tell of a child that is killed.
  disown "$server_pid"
  # Nacos, in Java, takes ten seconds on a machine that has nothing else to do.
  wait_for 120 has_started || true
  is_serving || fail "$registry does not serve: $(tail -n 20 "$dir/$registry.log")"
}

has_started() {
  is_serving || has_ended "$server_pid"
}

is_serving() {
  ask "$("${registry}_question")" &>/dev/null
}

kill_server() {
  print_command "kill -KILL $server_pid"
  kill -KILL "$server_pid"
  wait_for 10 has_ended "$server_pid" || fail "$registry does not end"
}

stop_server() {
  heading "Stop $registry"
  kill_server
  ! declare -F "stop_beside_$registry" >/dev/null || "stop_beside_$registry"
}
