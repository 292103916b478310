# shellcheck shell=bash
# The agent starts, and two containers are found by name: from the host, from inside each other, and over the API.
# To be sourced after demo-host.sh.
# shellcheck disable=SC2154 # host and dir are set by demo-host.sh, the filter by containers.sh.

zone=fairlead.internal
# What the host's programs ask.
dig="dig +short @127.0.0.1"
# The containers of the network shop: red has busybox alone, blue has glibc's resolver, too.
shop_containers=(red blue)

start_agent() {
  heading 'Start the agent'
  launch_agent
  run "cat $dir/agent.log"
  check "the agent is in the host's network namespace" is_inside "$agent_pid"
  check 'nothing is registered: what died without a DEL has left the registry, too' \
    is_empty "fairlead services --json | jq '.[]'"
}

# Sets agent_pid.
launch_agent() {
  start_daemon 'fairlead agent --dns 127.0.0.1 gateways --api unix:/run/fairlead/api.sock' "$dir/agent.log"
  agent_pid=$daemon_pid
  on_exit end_agent
  wait_for 30 grep -q serving "$dir/agent.log" || fail "the agent does not serve: $(cat "$dir/agent.log")"
}

# The status is the one that the agent ends with; 0 where it has ended before.
end_agent() {
  local pid=$agent_pid
  [[ -n $pid ]] || return 0
  agent_pid=
  kill -TERM "$pid"
  wait_for 10 has_ended "$pid" || return
  wait "$pid"
}

start_named_containers() {
  heading 'Start two containers that are a service'
  tell 'ctr takes the first network of the directory. Its "registry" makes each container an instance of the service' \
    'web, and "dns" has the result name the agent, which answers at the gateway.'
  run "$(write_shop_network)"
  make_shop_roots
  start_named_container red
  start_named_container blue
  run 'fairlead leases --network shop'
  tell 'What the result says of DNS. Most runtimes write it into the container; ctr does not, so it is done by hand:'
  write_resolv_conf red
  write_resolv_conf blue
  run "cat $dir/root-red/etc/resolv.conf"
}

write_shop_network() {
  local ranges='[{ "subnet": "10.90.0.0/24" }]'
  ! has_ipv6 || ranges+=', [{ "subnet": "fd00:90::/64" }]'
  cat <<END_OF_COMMAND
cat > /etc/cni/net.d/05-shop.conflist <<'EOF'
{
  "cniVersion": "1.0.0",
  "name": "shop",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "shop0",
      "isDefaultGateway": true,
      "ipam": { "type": "host-local", "ranges": [$ranges] },
      "registry": {
        "service": "web",
        "dns": true,
        "ports": [{ "name": "http", "port": 80 }],
        "check": { "http": "/", "interval": "1s", "fall": 2 }
      }
    }
  ]
}
EOF
END_OF_COMMAND
}

make_shop_roots() {
  local name
  for name in "${shop_containers[@]}"; do make_shop_root "$name"; done
  make_glibc_root "$dir/root-blue"
}

# make_shop_root CONTAINER
make_shop_root() {
  make_rootfs "$dir/root-$1"
  mkdir "$dir/root-$1/www"
  printf 'This is %s.\n' "$1" >"$dir/root-$1/www/index.html"
}

# Started attached: ctr sends the DEL when the container ends. What its ADD was answered is there when the ADD is over;
# the container can be entered before.
start_named_container() {
  local name=$1 program="/bin/httpd -p 80 -h /www; exec /bin/sleep 3600"
  run "ctr run --cni --rm --null-io --rootfs $dir/root-$name $name /bin/sh -c '$program' >$dir/$name.log 2>&1 &"
  wait_for 30 ask "test -e $(result_of "$name")" || fail "$name does not come up: $(cat "$dir/$name.log")"
}

# Where the runtime keeps what the ADD of a container was answered.
result_of() {
  printf '/var/lib/cni/results/shop-%s-%s-eth0' "$host" "$1"
}

write_resolv_conf() {
  run "jq -r '$resolv_conf_filter' \\
  $(result_of "$1") > $dir/root-$1/etc/resolv.conf"
}

# own_name CONTAINER: by which the container itself is known, well or ill.
own_name() {
  printf '%s-%s.shop.%s' "$host" "$1" "$zone"
}

find_from_host() {
  local red blue name
  heading 'Find them from the host'
  red=$(address_of red 10.90.0. shop)
  blue=$(address_of blue 10.90.0. shop)
  run_lines "$dig web.default.svc.$zone" 'A: the service has the address of each' "$red" "$blue"
  for name in "${shop_containers[@]}"; do
    run_lines "$dig $(own_name "$name")" "A: $name has a name of its own" "${!name}"
    run_lines "$dig -x ${!name}" "PTR: to which its address leads back" "$(own_name "$name")."
  done
  find_ports
  if has_ipv6; then find_over_ipv6; else skip 'AAAA' 'this kernel has no IPv6'; fi
  run_lines "dig @127.0.0.1 nobody.default.svc.$zone | grep -o 'status: [A-Z]*'" \
    'a name that nobody has does not exist' 'status: NXDOMAIN'
}

find_ports() {
  local red blue
  red=$(own_name red)
  blue=$(own_name blue)
  run_lines "$dig _http._tcp.web.default.svc.$zone SRV" 'SRV: priority, weight, port and name of each' \
    "0 1 80 $red." "0 1 80 $blue."
}

find_over_ipv6() {
  local red blue
  red=$(address_of red fd00:90:: shop)
  blue=$(address_of blue fd00:90:: shop)
  # At first the gateway's IPv6 address is tentative, and no check gets through.
  wait_for 10 are_all_well || true
  run_lines "$dig web.default.svc.$zone AAAA" 'AAAA: the same over IPv6' "$red" "$blue"
  run_lines "$dig -x $red" 'PTR: of an IPv6 address, too' "$(own_name red)."
}

find_from_inside() {
  local red blue own
  heading 'Find them from inside each other'
  red=$(address_of red 10.90.0. shop)
  blue=$(address_of blue 10.90.0. shop)
  wait_for 10 grep -q 'at the gateway.*10\.90\.0\.1' "$dir/agent.log" || fail 'the agent is not at the gateway'
  run "grep gateway $dir/agent.log"
  tell 'red asks by the nslookup of busybox:'
  run_all "ctr task exec --exec-id ask red /bin/nslookup -type=a web.default.svc.$zone" 'red finds both' "$red" "$blue"
  tell 'blue asks by glibc, as most programs do, with a short name through the search list:'
  run_all "ctr task exec --exec-id ask blue /bin/getent ahostsv4 web" 'blue finds both' "$red" "$blue"
  own=$(own_name red)
  run_all "ctr task exec --exec-id ask blue /bin/getent hosts $host-red" 'blue finds red alone' "$own"
  run_lines "ctr task exec --exec-id get red /bin/wget -q -O - http://$blue/" 'red reads a page of blue' 'This is blue.'
}

# run_all COMMAND SENTENCE TEXT…: each text must stand in what the command prints.
run_all() {
  local command=$1 sentence=$2 output
  shift 2
  print_command "$command"
  output=$(ask "$command" 2>&1) || fail "the command above has failed: $output"
  indent <<<"$output"
  check "$sentence" has_all "$output" "$@"
}

has_all() {
  local text=$1 part
  shift
  for part; do
    [[ $text == *"$part"* ]] || return 1
  done
}

look_at_registry() {
  heading 'Look at the registry: command line and API'
  run 'fairlead services'
  run 'fairlead service web'
  check 'both are well' are_all_well
  run 'fairlead resolve web'
  run "$(curl_api /v1/services) | jq -c ."
  run "$(curl_api '/v1/services/web/pick?family=4') | jq ."
  check 'pick gives one after the other' pick_both
  run_lines "$(curl_api /healthz) | jq -r .status" 'the agent says that it is well' ok
}

are_all_well() {
  ask "fairlead services --json | jq -e '.[] | .service == \"web\" and .instances > 1 and .healthy == .instances'"
}

# curl_api PATH
curl_api() {
  printf "curl -sS --unix-socket /run/fairlead/api.sock 'http://agent%s'" "$1"
}

# picked TIMES: the addresses, each once.
picked() {
  local pick
  pick=$(curl_api '/v1/services/web/pick?family=4')
  ask "for _ in {1..$1}; do $pick | jq -r .host; done | sort -u"
}

pick_both() {
  local addresses
  addresses=$(picked 2)
  printf '%s\n' "$addresses"
  [[ $(wc -l <<<"$addresses") == 2 ]]
}
