# shellcheck shell=bash
# What fails: the member of etcd that leads, and then a whole host, which comes back.
# To be sourced by demo-cluster.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

lose_an_etcd_member() {
  local leader address name=$cluster-h1-extra.overlay.$zone
  heading 'The member of etcd that leads fails'
  stand_on 1
  leader=$(leading_member) || fail 'etcd has no leader'
  stand_at_etcd "$leader"
  print_command "kill -KILL ${etcd_pids[$leader]}"
  kill -KILL "${etcd_pids[$leader]}"
  stand_on 1
  start_page extra 'This is extra.'
  address=$(address_of extra 10.42. overlay)
  stand_on 2
  expect_answer 'a container that is started now is found on other hosts' "$name" "$address"
  stand_on 1
  end_named_container extra
  stand_on 2
  expect_answer 'and so is that it has gone' "$name"
  on_each_host check_pings
  stand_at_etcd "$leader"
  start_member "$leader"
  stand_on 1
  check_members
}

lose_a_host() {
  local lost=$host_count
  heading "Host $lost loses its power"
  stand_on "$lost"
  lost_subnet=$(subnet_of 4)
  # bash would tell of a child that was killed.
  disown "${agent_pids[$lost]}"
  halt_host "$host"
  stand_on 1
  check "web$lost does not answer any more" not ping_from web1 "${web_v4[$lost]}"
  tell "Nobody has taken leave for it. What it had in etcd ends by itself, here after $lease_ttl:"
  wait_for 40 knows_others $((host_count - 2)) || true
  run 'ip -4 route show dev flannel.1'
  check 'the route to it, its neighbour and its forwarding entry have gone' knows_others $((host_count - 2))
  expect_answer 'the service has one address fewer' "web.default.svc.$zone" "${web_v4[@]:0:host_count - 1}"
  run "$etcdctl get --prefix --keys-only /coreos.com/network/subnets/"
}

bring_host_back() {
  local lost=$host_count
  heading "Host $lost is back"
  stand_on "$lost"
  rm -rf "$dir/containerd-state"
  boot_host "$host"
  equip_host "$lost"
  start_cluster_agent "$lost"
  run_lines "sed -n 's/^FLANNEL_SUBNET=//p' /run/flannel/subnet.env" 'it has the same subnet as before' "$lost_subnet"
  tell 'The container that died with it has had no DEL: its lease is collected.'
  run "ctr container rm web$lost"
  run 'fairlead gc'
  start_web "$lost"
  stand_on 1
  wait_for 30 knows_others $((host_count - 1)) || true
  check 'the others know the way to it again' knows_others $((host_count - 1))
  on_each_host check_pings
  on_each_host expect_web
}
