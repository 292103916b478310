#!/usr/bin/env bash
# package-image.sh ARCHIVE VERSION: containerd imports the image and runs it with a CNI directory, twice.
# Called by package.test.ts; prints what went wrong.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/setup.sh
. scripts/setup.sh
# shellcheck source=scripts/containers.sh
. scripts/containers.sh

main() {
  local archive=$1 version=$2
  require_root
  arm_cleanups
  close_stale_hosts fl-t-image
  host=$(name_host fl-t-image)
  dir=$(host_dir "$host")
  on_exit close_host "$host"
  open_host "$host"
  mkdir "$dir/target"
  start_containerd "$host"
  on_host "$host" ctr image import "$archive" >/dev/null
  run_installer first | grep -Eq '^bridge +new '
  run_installer second | grep -Eq '^bridge +unchanged '
  CNI_COMMAND=VERSION "$dir/target/bridge" | grep -q '"1.1.0"'
  stop_containerd
}

# run_installer ID
run_installer() {
  on_host "$host" ctr run --rm --mount "type=bind,src=$dir/target,dst=/host/opt/cni/bin,options=rbind:rw" \
    "localhost/fairlead:$version" "$1"
}

main "$@"
