# shellcheck shell=bash
# What fails: the whole of etcd, which an ADD does not need; and the cable of a host, whose routes go and come back.
# To be sourced by demo-routed.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

work_without_etcd() {
  local address
  heading 'All of etcd stands still'
  stand_on 1
  print_command "kill -STOP ${etcd_pids[*]}"
  kill -STOP "${etcd_pids[@]}"
  tell 'A container is started on host 1 all the same: the addresses of its block are its own.'
  start_page extra 'This is extra.'
  address=$(address_of extra "$network_v4" "$network")
  stand_on 2
  check_reach 'a container of another host reaches it at once' web2 "$address"
  stand_on 1
  end_named_container extra
  print_command "kill -CONT ${etcd_pids[*]}"
  kill -CONT "${etcd_pids[@]}"
  check_members
}

cut_a_cable() {
  local lost=$host_count cut_at
  heading "The cable of host $lost is cut"
  stand_on 1
  run 'ip -4 route show proto bird'
  tell "(ip -n $cluster-net link set dev port$lost down)"
  ip -n "$cluster-net" link set dev "port$lost" down
  cut_at=$(date +%s%N)
  tell "Nobody tells the others. A neighbour that is silent for $hold_seconds s is not there:"
  wait_for $((hold_seconds + 3)) knows_blocks $((host_count - 2)) || true
  check "the route to it is gone, within its hold time of $hold_seconds s" knows_blocks $((host_count - 2))
  tell "(after $(seconds_since "$cut_at") s)"
  check "web$lost does not answer any more" not ping_from web1 "${web_v4[$lost]}"
  ((lost == 2)) || check 'the others reach each other as before' ping_from web1 "${web_v4[2]}"
  run 'fairlead bgp'
  wait_for 20 ask 'fairlead ipam --json | jq -e "any(.hosts[]; .isAlive | not)"' || true
  run 'fairlead ipam'
  tell 'Its block stays its own: its containers run on.'
}

mend_the_cable() {
  local lost=$host_count mended_at
  heading 'The cable is mended'
  stand_on 1
  tell "(ip -n $cluster-net link set dev port$lost up)"
  ip -n "$cluster-net" link set dev "port$lost" up
  mended_at=$(date +%s%N)
  wait_for 60 knows_blocks $((host_count - 1)) || true
  check 'the others know the way to it again' knows_blocks $((host_count - 1))
  tell "(after $(seconds_since "$mended_at") s)"
  on_each_host check_pings
  on_each_host expect_web
  stand_on 1
  run 'fairlead bgp'
}
