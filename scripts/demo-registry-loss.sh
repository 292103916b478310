# shellcheck shell=bash
# What is lost: the registry's data, a container, and the agent.
# To be sourced by demo-registry.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

lose_server_data() {
  local served_at
  heading 'The registry loses all that it had'
  kill_server
  run "rm -rf $(server_data)"
  tell 'Meanwhile a container is started. Its ADD does not wait for the registry:'
  start_in_shop green
  check 'the agent says that the registry fails' wait_for 20 is_mirror failing
  run 'fairlead mirrors'
  launch_server
  served_at=$(date +%s%N)
  expect_healthy 'all are there again, with the one that came meanwhile' red blue green
  tell "($(seconds_since "$served_at") s after it serves)"
}

lose_container() {
  heading 'A container goes'
  end_named_container blue
  expect_healthy 'its DEL has taken it out of the registry' red green
}

lose_agent() {
  local killed_at took ttl
  heading 'The agent is killed'
  print_command "kill -KILL $agent_pid"
  # bash would tell of a child that is killed.
  disown "$agent_pid"
  kill -KILL "$agent_pid"
  agent_pid=
  killed_at=$(date +%s%N)
  tell 'As after a loss of power, nobody takes leave. What it kept alive ends by itself:'
  expect_healthy 'nobody is sent to them any more'
  took=$(seconds_since "$killed_at")
  ttl=$(ask "jq -r '.mirrors[0].ttl | rtrimstr(\"s\")' /etc/fairlead/mirrors.json")
  check "after $took s: within the ttl of $ttl s and 5 s more" test "${took%.*}" -le $((ttl + 5))
  run 'fairlead mirrors'
}

start_without_agent() {
  heading 'A container without an agent, which then starts again'
  start_in_shop gold
  "expect_gold_${registry_delivery[$registry]}"
  launch_agent
  expect_healthy 'the agent has all of them' red green gold
  ! declare -F "${registry}_adopted" >/dev/null ||
    expect_lines "$("${registry}_adopted")" 'what the plugin has delivered lives by the agent now, as the rest does' true
  check 'it says that all is delivered' wait_for 10 is_mirror delivered
  run 'fairlead mirrors'
}

# How an ADD delivers where no agent runs.
declare -A registry_delivery=([consul]=inline [etcd]=inline [zookeeper]=later [eureka]=later [nacos]=later)

expect_gold_inline() {
  local all
  tell 'The first delivery after an agent has ended compares all: what lived by the agent is put back with the new one.'
  set_addresses all '' red green gold
  run_lines "$("${registry}_healthy")" 'the plugin has delivered it itself, before ADD returned' "${all[@]}"
}

expect_gold_later() {
  tell 'Entries of this registry live by a session or by heartbeats, which only an agent can hold. This one waits:'
  run 'fairlead mirrors'
}
