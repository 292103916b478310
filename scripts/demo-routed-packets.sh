# shellcheck shell=bash
# The network of the hosts that route, the ways between them, and what crosses the link: the packets as they are.
# To be sourced by demo-routed.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

# By the name that demo-cluster-containers.sh asks for.
write_routed_network() {
  cat <<'END_OF_COMMAND'
cat > /etc/cni/net.d/10-routed.conflist <<'EOF'
{
  "cniVersion": "1.0.0",
  "name": "routed",
  "plugins": [
    {
      "type": "routed",
      "registry": { "service": "web", "dns": true, "ports": [{ "name": "http", "port": 80 }] }
    }
  ]
}
EOF
END_OF_COMMAND
}

show_routes() {
  heading 'What a host knows of the others, and what is in its kernel'
  stand_on 1
  run 'ctr task exec --exec-id route web1 /bin/ip route'
  run 'fairlead routes'
  run 'ip -4 route'
  check 'there is a route to the block of each of the others, by BIRD' knows_blocks $((host_count - 1))
  check 'there is neither a bridge nor a VXLAN device' is_empty 'ip -o link show type bridge; ip -o link show type vxlan'
  run 'fairlead doctor'
}

# knows_blocks COUNT: whether the host that is stood on has learned the ways to just so many blocks of IPv4.
knows_blocks() {
  local count
  count=$(ask 'ip -4 -N route show proto 12 | grep -c " via "')
  printf 'routes by BIRD: %s\n' "$count"
  ((count == $1))
}

watch_the_link() {
  heading 'What crosses the link'
  local filter='icmp or udp port 8472 or ip proto 4' captured
  stand_on 2
  captured=$dir/captured
  tell 'On host 2, what comes over the underlay, while web1 pings web2: its ICMP, VXLAN, or IP within IP.'
  print_command "tcpdump -n -i eth0 -c 4 '$filter'"
  (exec_on_host "$host" timeout 20 tcpdump -l -n -i eth0 -c 4 "$filter") </dev/null &>"$captured" &
  wait_for 10 grep -q 'listening on' "$captured" || fail "tcpdump does not listen: $(cat "$captured")"
  stand_on 1
  ping_from web1 "${web_v4[2]}" >/dev/null
  wait_for 10 grep -q '^4 packets captured' "$captured" || true
  indent <"$captured"
  check "the packets have the containers' own addresses" \
    grep -qF "IP ${web_v4[1]} > ${web_v4[2]}: ICMP echo request" "$captured"
  check 'and no others around them' not grep -Eq 'UDP|VXLAN|ipip|IPIP' "$captured"
}
