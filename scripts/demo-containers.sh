# shellcheck shell=bash
# Two containers on a network: they come, talk, are looked at, and go.
# To be sourced after demo-host.sh.
# shellcheck disable=SC2154 # host and dir are set by demo-host.sh.

install_plugins() {
  heading 'Install the plugins and describe a network'
  run 'cp --preserve=links dist/bin/* /opt/cni/bin/'
  run '/opt/cni/bin/bridge'
  run "$(write_demo_network)"
  check 'nothing of the network is there: it begins with its first container' is_bare
}

# Where the kernel has no IPv6, neither has the network.
write_demo_network() {
  local ranges='[{ "subnet": "10.88.0.0/24" }]'
  ! has_ipv6 || ranges+=', [{ "subnet": "fd00:88::/64" }]'
  cat <<END
cat > /etc/cni/net.d/10-demo.conflist <<'EOF'
{
  "cniVersion": "1.0.0",
  "name": "demo",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "demo0",
      "isDefaultGateway": true,
      "ipMasq": true,
      "macspoofchk": true,
      "ipspoofchk": true,
      "ipam": {
        "type": "host-local",
        "ranges": [$ranges]
      }
    }
  ]
}
EOF
END
}

has_ipv6() {
  [[ -d /proc/sys/net/ipv6 ]]
}

start_containers() {
  heading 'Start two containers'
  tell 'No image is needed: their root is busybox. web stays attached to its ctr, db is detached.'
  make_rootfs "$dir/rootfs"
  run "ctr run --cni --rm --null-io --rootfs $dir/rootfs web /bin/sleep 3600 >$dir/web.log 2>&1 &"
  wait_for 30 ask 'ctr task exec --exec-id up web /bin/ip addr show dev eth0 | grep "inet "' ||
    fail "web does not come up: $(cat "$dir/web.log")"
  run "ctr run --cni --detach --rootfs $dir/rootfs db /bin/sleep 3600"
  run 'ctr task ls'
  run 'ctr task exec --exec-id addr web /bin/ip addr show dev eth0'
  run 'ctr task exec --exec-id addr db /bin/ip addr show dev eth0'
  run 'ctr task exec --exec-id route web /bin/ip route'
}

let_them_talk() {
  heading 'They reach each other and the gateway'
  talk IPv4 10.88.0. 1
  if has_ipv6; then
    talk IPv6 fd00:88:: 1
  else
    skip IPv6 'this kernel has none'
  fi
}

# talk FAMILY PREFIX GATEWAY: the gateway without the prefix.
talk() {
  local family=$1 gateway=$2$3 web db
  web=$(address_of web "$2")
  db=$(address_of db "$2")
  run "ctr task exec --exec-id ping web /bin/ping -c 3 -i 0.2 $db"
  check "web reaches db over $family" ping_from web "$db"
  check "db reaches web over $family" ping_from db "$web"
  check "web reaches the gateway over $family" ping_from web "$gateway"
  check "db reaches the gateway over $family" ping_from db "$gateway"
}

# address_of CONTAINER PREFIX [NETWORK]. ctr calls a container <namespace>-<id> where it speaks to plugins.
address_of() {
  ask "$(leases_of "${3:-demo}" "$host-$1")" | grep -F "$2"
}

ping_from() {
  ask "ctr task exec --exec-id ping $1 /bin/ping -c 2 -i 0.2 -w 5 $2"
}

show_state() {
  heading 'What is leased, and what is in the kernel'
  run 'fairlead leases'
  check 'every lease belongs to a container that lives' \
    ask "fairlead leases --json | jq -e 'length > 0 and all(.state == \"live\")'"
  run 'ip -br link'
  run 'ip -br addr show dev demo0'
  run 'bridge link'
  check 'demo0 has two ports' test "$(ask 'ip -j link show master demo0 | jq length')" = 2
  run 'nft list ruleset inet'
  run 'nft list ruleset bridge'
  refuse_spoofing
}

# The address is added from outside: a container that ctr starts may not change its addresses.
refuse_spoofing() {
  local pid
  tell 'Now web sends from an address that it was not given:'
  pid=$(ask "ctr task ls | awk '\$1 == \"web\" { print \$2 }'")
  run "nsenter --net=/proc/$pid/ns/net ip addr add 10.88.0.99/24 dev eth0"
  check 'what web sends from 10.88.0.99 is dropped' \
    not ask 'ctr task exec --exec-id ping web /bin/ping -c 1 -W 1 -I 10.88.0.99 10.88.0.1'
  run "nsenter --net=/proc/$pid/ns/net ip addr del 10.88.0.99/24 dev eth0"
  check 'what it sends from its own address is not' ping_from web 10.88.0.1
}

remove_containers() {
  heading 'Remove the containers'
  remove_web
  remove_db
  check 'nobody has a lease' is_empty "$(leases_of demo)"
  check 'no port is left' is_empty "$(ports_of fairlead/)"
  check 'the spoof check has no elements' is_empty "$(spoof_elements)"
}

# An attached ctr sends a DEL when its container ends; the namespace is gone by then, so without one.
remove_web() {
  local port
  port=$(ask "$(ports_of "fairlead/demo/$host-web/")")
  run 'ctr task kill --signal SIGKILL web'
  wait_for 20 is_empty 'ctr container ls -q | grep -x web || true' || fail "ctr does not end: $(cat "$dir/web.log")"
  check 'web has no lease any more' is_empty "$(leases_of demo "$host-web")"
  check "web has no link any more ($port)" not ask "ip link show dev $port"
  check 'the spoof check has forgotten web' is_empty "$(spoof_elements "$port")"
  check 'db is there as before' ping_from db 10.88.0.1
}

remove_db() {
  run 'ctr task kill --signal SIGKILL db'
  wait_for 20 ask "ctr task ls | grep '^db .*STOPPED'" || fail 'db does not end'
  run 'ctr task rm db && ctr container rm db'
  collect_leak
}

# The ctr of containerd 1.6 sends no DEL for a detached container; later ones do.
collect_leak() {
  if is_empty "$(leases_of demo)" >/dev/null; then
    tell 'This ctr has sent a DEL for the detached container, too.'
    return
  fi
  tell 'This ctr sends no DEL for a detached container: its leases leak. That is what gc is for:'
  run 'fairlead leases'
  check 'the leases are known to be of a dead container' \
    ask "fairlead leases --json | jq -e 'all(.state == \"dead\")'"
  run 'fairlead gc'
}
