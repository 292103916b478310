# shellcheck shell=bash
# Containers of a service appear in the registry of others, what others have there is found here, and they go again.
# To be sourced by demo-registry.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

# The addresses of each container of the network shop, one a line; behind its name a 4 for those of IPv4 alone.
declare -A shop_addresses=()

name_registry() {
  heading 'Name the registry to Fairlead'
  run 'cp --preserve=links dist/bin/* /opt/cni/bin/'
  tell 'One file for the whole machine; the agent reads it, and so do the plugins:'
  run "$(write_mirrors)"
}

write_mirrors() {
  cat <<END
cat > /etc/fairlead/mirrors.json <<'EOF'
{
  "mirrors": [
    {
      "name": "company",
      "type": "$registry",
$("${registry}_fields" | sed 's/^/      /')
    }
  ]
}
EOF
END
}

start_shop() {
  heading 'Start two containers of a service'
  tell 'The network is the usual one, and says nothing of the registry outside:'
  run "$(write_shop_network)"
  start_in_shop red
  start_in_shop blue
  expect_healthy 'both are in the registry' red blue
  run 'fairlead mirrors'
  check 'the agent says that all is delivered' wait_for 10 is_mirror delivered
}

# start_in_shop CONTAINER
start_in_shop() {
  make_shop_root "$1"
  start_named_container "$1"
  shop_addresses[$1]=$(address_of "$1" '' shop)
  shop_addresses[${1}4]=$(address_of "$1" 10.90.0. shop)
}

# expect_healthy SENTENCE [CONTAINER…]: what the registry answers to whoever asks for the service, by its own tool and,
# where it has names, by dig.
expect_healthy() {
  local sentence=$1 all v4
  shift
  set_addresses all '' "$@"
  set_addresses v4 4 "$@"
  expect_lines "$("${registry}_healthy")" "$sentence" "${all[@]}"
  ! declare -F "${registry}_dns" >/dev/null ||
    expect_lines "$("${registry}_dns")" 'by DNS, the same' "${v4[@]}"
}

# set_addresses ARRAY FAMILY [CONTAINER…]: sets it to the containers' addresses; the family is 4, or empty for both.
set_addresses() {
  local -n addresses=$1
  local family=$2 container
  shift 2
  addresses=()
  for container; do
    mapfile -t -O "${#addresses[@]}" addresses <<<"${shop_addresses[$container$family]}"
  done
}

# is_mirror STATE
is_mirror() {
  ask "fairlead mirrors --json | jq -e '.[0].state == \"$1\"'"
}

lose_and_regain_health() {
  heading 'A container falls ill, and recovers'
  tell 'The server in blue ends; the container stays. Two checks fail, a second apart:'
  run 'ctr task exec --exec-id stop blue /bin/killall httpd'
  expect_healthy 'whoever asks the registry is sent to red alone' red
  run 'ctr task exec --exec-id start blue /bin/httpd -p 80 -h /www'
  expect_healthy 'blue is back' red blue
}

# What Fairlead reads from etcd are its own records: nobody else writes such.
import_billing() {
  declare -F "register_billing_in_$registry" >/dev/null || return 0
  heading 'What others have registered is found here'
  tell 'The file that names the registry has it imported into the namespace corp. Somebody registers a service:'
  run "$("register_billing_in_$registry")"
  expect_lines "dig +short @10.90.0.1 billing.corp.svc.$zone" "the agent at the containers' gateway has its address" \
    192.0.2.80
  run_all "ctr task exec --exec-id ask gold /bin/nslookup -type=a billing.corp.svc.$zone 10.90.0.1" \
    'a container finds it' 192.0.2.80
  run 'fairlead mirrors'
}

withdraw_shop() {
  heading 'The containers go'
  end_named_container red
  end_named_container green
  end_named_container gold
  expect_healthy 'nothing of them is left in the registry'
}
