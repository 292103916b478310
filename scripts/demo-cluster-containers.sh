# shellcheck shell=bash
# The containers of the cluster: one on each host, web1 on the first, that serves a page. They reach each other.
# To be sourced by demo-cluster.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

# The network, and what its addresses begin with; demo-routed.sh has others.
network=overlay
network_v4=10.42.
network_v6=fd00:42:
# The addresses of web1, web2, …, by number.
web_v4=()
web_v6=()

start_web_everywhere() {
  heading 'A container on every host'
  tell 'The network is described the same way everywhere. Each container is an instance of the service web.'
  stand_on 1
  print_command "$("write_${network}_network")"
  on_each_host start_web
  on_each_host run 'fairlead leases'
}

write_overlay_network() {
  cat <<'END'
cat > /etc/cni/net.d/10-overlay.conflist <<'EOF'
{
  "cniVersion": "1.0.0",
  "name": "overlay",
  "plugins": [
    {
      "type": "vxlan-overlay",
      "registry": { "service": "web", "dns": true, "ports": [{ "name": "http", "port": 80 }] }
    }
  ]
}
EOF
END
}

# start_web NUMBER: the container of the host with this number.
start_web() {
  ask "$("write_${network}_network")"
  start_page "web$1" "This is web$1 on host$1."
  web_v4[$1]=$(address_of "web$1" "$network_v4" "$network")
  ! has_ipv6 || web_v6[$1]=$(address_of "web$1" "$network_v6" "$network")
}

# start_page CONTAINER TEXT: attached, so that ctr sends the DEL when the container ends. ctr writes no resolv.conf.
start_page() {
  local name=$1 root=$dir/root-$1 program="/bin/httpd -p 80 -h /www; exec /bin/sleep 3600" result
  result=/var/lib/cni/results/$network-$host-$name-eth0
  # A container that died with its host has left both.
  rm -rf "$root" "$dir/cni-state/results/${result##*/}"
  make_rootfs "$root"
  mkdir "$root/www"
  printf '%s\n' "$2" >"$root/www/index.html"
  run "ctr run --cni --rm --null-io --rootfs $root $name /bin/sh -c '$program' >$dir/$name.log 2>&1 &"
  wait_for 30 ask "test -e $result" || fail "$name does not come up: $(cat "$dir/$name.log")"
  ask "jq -r '$resolv_conf_filter' $result > $root/etc/resolv.conf"
}

let_hosts_talk() {
  heading 'They reach each other over hosts'
  stand_on 1
  run "ctr task exec --exec-id ping web1 /bin/ping -c 3 -i 0.2 ${web_v4[2]}"
  on_each_host check_pings
}

# check_pings NUMBER: from the container of the host that is stood on to all of them.
check_pings() {
  check_reach "web$1 reaches all of them over IPv4" "web$1" "${web_v4[@]}"
  ! has_ipv6 || check_reach "web$1 reaches all of them over IPv6" "web$1" "${web_v6[@]}"
}

# check_reach SENTENCE CONTAINER ADDRESS…: a bridge that is new has a tentative IPv6 address, and resolves nobody.
check_reach() {
  local sentence=$1
  shift
  wait_for 10 ping_all_from "$@" || true
  check "$sentence" ping_all_from "$@"
}

# ping_all_from CONTAINER ADDRESS…
ping_all_from() {
  local container=$1 address
  shift
  for address; do ping_from "$container" "$address" || return; done
}

withdraw_everywhere() {
  heading 'The containers go, and the agents stop'
  on_each_host end_web
  stand_on 1
  expect_answer 'nobody is found any more' "web.default.svc.$zone"
  check 'nobody has a lease' is_empty "$(leases_of "$network")"
  on_each_host stop_cluster_agent
}

end_web() {
  end_named_container "web$1"
}

stop_cluster_agent() {
  local status=0
  print_command "kill ${agent_pids[$1]}"
  kill -TERM "${agent_pids[$1]}"
  wait_for 10 has_ended "${agent_pids[$1]}" || fail "the agent of host $1 does not end"
  wait "${agent_pids[$1]}" || status=$?
  check 'it has ended well' test "$status" = 0
}
