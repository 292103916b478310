#!/usr/bin/env bash
# runtime-host.sh PREFIX PLUGINS [cri]: a host of a test's own, as containers.sh makes them, until stdin ends. Its CNI
# directory holds what the directory PLUGINS holds, and nothing else. With `cri`, containerd runs there.
# Prints "ready NAME DIRECTORY HOLDER": the holder is the process whose namespaces the host's are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/setup.sh
. scripts/setup.sh
# shellcheck source=scripts/containers.sh
. scripts/containers.sh

main() {
  local prefix=$1 plugins=$2 runtime=${3:-none} name dir
  require_root
  arm_cleanups
  close_stale_hosts "$prefix"
  name=$(name_host "$prefix")
  dir=$(host_dir "$name")
  on_exit close_host "$name"
  open_host "$name"
  install_plugins "$plugins" "$dir/cni-bin"
  if [[ $runtime == cri ]]; then
    start_containerd "$name" containerd_cri_config
    add_pod_image "$name"
  fi
  printf 'ready %s %s %s\n' "$name" "$dir" "${host_holders[$name]}"
  cat >/dev/null
}

# Links where the file system is the same one: the executable is large.
install_plugins() {
  cp --link --dereference "$1"/* "$2" 2>/dev/null || cp --dereference "$1"/* "$2"
}

main "$@"
