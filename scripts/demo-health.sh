# shellcheck shell=bash
# What answers leave out: a container that is ill, one that has gone; and the agent stops.
# To be sourced after demo-names.sh.
# shellcheck disable=SC2154 # host and dir are set by demo-host.sh, the others by demo-names.sh.

fall_ill_and_recover() {
  local red blue
  heading 'A container falls ill, and recovers'
  red=$(address_of red 10.90.0. shop)
  blue=$(address_of blue 10.90.0. shop)
  tell 'The server in blue ends; the container stays. Two checks fail, a second apart:'
  run 'ctr task exec --exec-id stop blue /bin/killall httpd'
  wait_for 10 are_ill blue || true
  run_lines "$dig web.default.svc.$zone" 'the service has one address fewer' "$red"
  run 'fairlead service web'
  check 'every instance of blue is critical, and none of red' are_ill blue
  run_lines "$dig $(own_name blue)" 'its own name still leads to it' "$blue"
  check 'pick gives red alone' test "$(picked 3)" = "$red"
  run 'ctr task exec --exec-id start blue /bin/httpd -p 80 -h /www'
  wait_for 10 are_all_well || true
  run_lines "$dig web.default.svc.$zone" 'it is back' "$red" "$blue"
}

# are_ill CONTAINER: whether its instances are the ones that are critical.
are_ill() {
  ask "fairlead service web --json |
    jq -e 'length > 1 and all((.owner.host == \"$host-$1\") == (.status == \"critical\"))'"
}

withdraw_containers() {
  local red blue
  heading 'The containers go'
  red=$(address_of red 10.90.0. shop)
  blue=$(address_of blue 10.90.0. shop)
  end_named_container blue
  run_lines "$dig web.default.svc.$zone" 'its DEL has taken it out of the service' "$red"
  run_lines "dig @127.0.0.1 $(own_name blue) | grep -o 'status: [A-Z]*'" 'its own name is gone' 'status: NXDOMAIN'
  run_lines "$dig -x $blue" 'and that of its address'
  run 'fairlead service web'
  end_named_container red
  run_lines "dig @127.0.0.1 web.default.svc.$zone | grep -o 'status: [A-Z]*'" \
    'with the last container the service is gone' 'status: NXDOMAIN'
  run_lines 'fairlead services' 'the registry is empty' 'no services'
}

end_named_container() {
  run "ctr task kill --signal SIGKILL $1"
  wait_for 20 is_empty "ctr container ls -q | grep -x $1 || true" || fail "ctr does not end: $(cat "$dir/$1.log")"
}

stop_agent() {
  local status=0
  heading 'Stop the agent'
  print_command "kill $agent_pid"
  end_agent || status=$?
  run "tail -n 2 $dir/agent.log"
  check 'it has ended well' test "$status" = 0
  check 'it has taken its socket with it' not ask 'test -e /run/fairlead/api.sock'
  run_refused "dig +time=1 +tries=1 @127.0.0.1 web.default.svc.$zone" \
    'nobody answers any more' 'refused|timed out|reached'
}
