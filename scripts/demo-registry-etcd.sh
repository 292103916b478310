# shellcheck shell=bash
# etcd, as --registry knows it: asked by etcdctl, and by dig through a CoreDNS that answers from it.
# To be sourced by demo-registry.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

etcd_records=/fairlead/registry/instances/
etcd_zone=corp.example

prepare_etcd() {
  local directory
  directory=$(tool_directory coredns "$coredns_version")
  need_packages etcd-server etcd-client
  need_coredns "$directory" || fail 'no CoreDNS is to be had (see above)'
  PATH=$PATH:$directory
}

configure_etcd() {
  tell 'An etcd, and a CoreDNS that answers from what stands in it:'
  run "$(write_corefile)"
  start_daemon "coredns -conf $dir/Corefile" "$dir/coredns.log"
  coredns_pid=$daemon_pid
  disown "$coredns_pid"
}

write_corefile() {
  cat <<END
cat > $dir/Corefile <<'EOF'
$etcd_zone:1053 in-addr.arpa:1053 ip6.arpa:1053 {
  bind 127.0.0.1
  etcd {
    path /skydns
    endpoint http://127.0.0.1:2379
  }
}
EOF
END
}

stop_beside_etcd() {
  print_command "kill $coredns_pid"
  kill "$coredns_pid"
  wait_for 10 has_ended "$coredns_pid" || fail 'CoreDNS does not end'
}

etcd_command() {
  printf 'etcd --data-dir %s --logger zap --log-outputs stderr --log-level warn' "$(server_data)"
}

etcd_question() {
  printf '%s' 'etcdctl endpoint health'
}

etcd_fields() {
  cat <<END
"endpoints": ["http://127.0.0.1:2379"],
"ttl": "5s",
"skydns": { "zone": "$etcd_zone" }
END
}

etcd_healthy() {
  printf '%s' "etcdctl get --prefix --print-value-only $etcd_records | jq -r 'select(.status == \"passing\").address'"
}

# Whether every record has a lease.
etcd_adopted() {
  printf '%s' "etcdctl get --prefix -w json $etcd_records | jq '[.kvs[].lease // 0 | . > 0] | all'"
}

etcd_dns() {
  printf '%s' "dig +short -p 1053 @127.0.0.1 web.default.svc.$etcd_zone"
}

look_at_etcd() {
  local red=${shop_addresses[red4]}
  heading "What stands in etcd, and CoreDNS's names"
  run 'etcdctl get --prefix --keys-only / | grep .'
  run "etcdctl get --prefix --print-value-only --limit 1 $etcd_records | jq -c ."
  run_lines "dig +short -p 1053 @127.0.0.1 -x $red" 'an address leads back to a name' "$host-red.shop.$etcd_zone."
  run_lines "dig +short -p 1053 @127.0.0.1 $host-red.shop.$etcd_zone" 'and that to the address' "$red"
}
