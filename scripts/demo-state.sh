# shellcheck shell=bash
# What the demo asks of its host: commands for `ask`, and what they say of the whole.
# To be sourced after demo-story.sh. The $ in single quotes are jq's.

# The host ends whose alias begins with the text.
ports_of() {
  # shellcheck disable=SC2016
  local filter='.[] | select(.ifalias // "" | startswith($owner)) | .ifname'
  printf "ip -j link show type veth | jq -r --arg owner '%s' '%s'" "$1" "$filter"
}

# The addresses of a network's leases, or of one container's among them.
leases_of() {
  # shellcheck disable=SC2016
  local filter='.[] | select($container == "" or .containerId == $container) | .address'
  printf "fairlead leases --network '%s' --json | jq -r --arg container '%s' '%s'" "$1" "${2:-}" "$filter"
}

# The elements of the spoof check's sets, or those of one port.
# shellcheck disable=SC2120 # The port comes from demo-containers.sh.
spoof_elements() {
  # shellcheck disable=SC2016
  local filter='.nftables[].set.elem // [] | .[] | select(tostring | contains($port))'
  printf "nft -j list ruleset bridge | jq -c --arg port '%s' '%s'" "${1:-}" "$filter"
}

# A network without containers keeps its bridge, its rules and its lease directory.
# shellcheck disable=SC2119
has_no_attachment() {
  is_empty "$(leases_of "$1")" && is_empty "$(ports_of "fairlead/$1/")" && is_empty "$(spoof_elements)"
}

is_bare() {
  is_empty "ip -j link | jq -r '.[].ifname' | grep -vx lo || true" &&
    is_empty 'nft list ruleset' &&
    is_empty "find /var/lib/cni -path '*/networks/*' -o -path '*/networks.*'"
}
