# shellcheck shell=bash
# The verbs that ctr does not use, by cnitool: CHECK, and STATUS and GC of version 1.1.0 of the specification.
# To be sourced after demo-host.sh.
# shellcheck disable=SC2154 # dir and cnitool_dir are set by demo-host.sh.

use_cnitool() {
  heading 'The same network by cnitool: ADD, CHECK, DEL'
  if ! has_cnitool; then
    skip cnitool 'there is none (step 1 says why)'
    return
  fi
  run 'ip netns add box'
  run 'cnitool add demo /run/netns/box'
  run 'ip -n box -br addr'
  run_check 'cnitool check demo /run/netns/box' 'CHECK finds all as ADD has left it'
  tell 'It looks at the kernel, not at the result that the runtime keeps:'
  run 'ip -n box -4 addr flush dev eth0'
  run_refused 'cnitool check demo /run/netns/box' 'CHECK says what is missing' 'lost the address 10\.88\.'
  run 'cnitool del demo /run/netns/box'
  check 'nothing is left of it' has_no_attachment demo
  run_check 'cnitool del demo /run/netns/box' 'a second DEL succeeds, too'
  run 'ip netns del box'
}

use_spec_1_1() {
  heading 'Version 1.1.0 of the specification: STATUS and GC'
  if ! knows_gc "$cnitool_dir/cnitool"; then
    skip 'STATUS and GC' 'there is no cnitool that knows them (step 1 says why)'
    return
  fi
  run "$(write_small_network)"
  run 'ip netns add one && ip netns add two'
  run_check 'cnitool status small /run/netns/one' 'STATUS: ready for containers'
  run "cnitool add small /run/netns/one | jq -c '.ips[]'"
  run "cnitool add small /run/netns/two | jq -c '.ips[]'"
  run_refused 'cnitool status small /run/netns/one' 'STATUS says that the range is exhausted' 'no free address'
  collect_as_a_runtime
  collect_with_cnitool
}

write_small_network() {
  cat <<'END'
cat > /etc/cni/net.d/20-small.conflist <<'EOF'
{
  "cniVersion": "1.1.0",
  "name": "small",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "small0",
      "isDefaultGateway": true,
      "ipMasq": true,
      "macspoofchk": true,
      "ipspoofchk": true,
      "ipam": {
        "type": "host-local",
        "ranges": [[{ "subnet": "10.89.0.0/24", "rangeStart": "10.89.0.2", "rangeEnd": "10.89.0.3" }]]
      }
    }
  ]
}
EOF
END
}

collect_as_a_runtime() {
  tell 'GC as a runtime sends it that knows of the first container alone:'
  run "$(
    cat <<'END'
valid=$(fairlead leases --network small --json |
  jq '[.[] | select(.address == "10.89.0.2") | { containerID: .containerId, ifname: .ifName }]')
jq --argjson valid "$valid" '.plugins[0] + { cniVersion, name, "cni.dev/valid-attachments": $valid }' \
  /etc/cni/net.d/20-small.conflist | CNI_COMMAND=GC /opt/cni/bin/bridge
END
  )"
  run 'fairlead leases --network small'
  check 'the lease of the second has gone' test "$(ask "$(leases_of small)")" = 10.89.0.2
  check 'its link, too' test "$(ask "$(ports_of fairlead/small/)" | wc -l)" = 1
  run_check 'cnitool status small /run/netns/one' 'STATUS: ready again'
}

# cnitool sends a DEL for every attachment that it remembers, then GC, but without the list that the specification
# demands (as of v1.3.1). A plugin may refuse that rather than take it for "none is valid".
collect_with_cnitool() {
  local gc='cnitool gc small /run/netns/one' output
  tell 'Now the first one goes without a DEL, and cnitool cleans up behind it:'
  run 'ip netns del one'
  print_command "$gc"
  if ! output=$(ask "$gc" 2>&1); then
    indent <<<"$output"
    [[ $output == *cni.dev/valid-attachments* ]] || fail 'the command above has failed'
    tell '(The DELs are done. The GC after them is refused: cnitool sends no list of the attachments that are valid.)'
  fi
  check 'nothing is left of either' has_no_attachment small
  run 'ip netns del two'
}
