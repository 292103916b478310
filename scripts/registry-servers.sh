# shellcheck shell=bash
# The servers of outside registries that tests and the demo start: Consul, ZooKeeper, and CoreDNS beside etcd.
# To be sourced after setup.sh. Nothing is started here; what no distribution has is kept in the user's cache.

# tool_directory TOOL VERSION: prints where it is kept.
tool_directory() {
  printf '%s/fairlead/%s-%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}" "$1" "$2"
}

# --- Consul ---

# Debian's: from 12 on it has none. All that the executable is linked with is the C library.
consul_version=1.8.7
consul_suite=bullseye

# need_consul DIRECTORY: puts the executable of Debian's package into the directory unless it is there. The package is
# unpacked, not installed: it is of another release, and would add a user and a service.
need_consul() {
  local work status=0
  if [[ -x $1/consul ]]; then
    step "consul: there ($1)"
    return
  fi
  step "consul: unpacking the package of Debian's suite $consul_suite"
  work=$(mktemp -d)
  on_exit rm -rf "$work"
  fetch_consul "$work" 2>&1 | indent || status=1
  ((status == 0)) && install -D -t "$1" "$work/usr/bin/consul"
  rm -rf "$work"
  ((status == 0)) && return
  complain "there is no consul. Any from $consul_version on will do: put it at $1/consul"
  return 1
}

# Leaves the package's files in the directory; another mirror is tried where one does not have it.
fetch_consul() {
  local work=$1 mirror
  while read -r mirror; do
    printf 'from %s\n' "$mirror"
    download_from_suite "$work" "$mirror" "$consul_suite" "consul=$consul_version*" || continue
    dpkg-deb --extract "$work"/consul_*.deb "$work" && return
  done < <(debian_mirrors)
  printf 'no mirror among the sources of apt has it\n'
  return 1
}

# Prints where the machine's own packages come from: what it may be fetched from at all.
debian_mirrors() {
  local codename
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  # shellcheck disable=SC2016 # apt replaces them
  apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    sed -n "s/^$codename main //p" | sort -u
}

# download_from_suite DIRECTORY MIRROR SUITE PACKAGE: by an apt whose sources, lists and cache are in the directory, so
# that nothing changes for the machine's. It verifies the signature.
download_from_suite() {
  local work=$1
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  printf '%s: %s\n' Types deb URIs "$2" Suites "$3" Components main Targets Packages Languages none \
    Signed-By /usr/share/keyrings/debian-archive-keyring.gpg >"$work/suite.sources"
  # As root: apt's own user may not enter the directory.
  local -a apt=(-o APT::Sandbox::User=root -o "Dir::Etc::SourceList=$work/suite.sources"
    -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache")
  apt_get "${apt[@]}" update && (cd "$work" && apt_get "${apt[@]}" download "$4")
}

# --- ZooKeeper ---

# need_zookeeper: its jars and a Java that runs them. Without the package `zookeeper`, which makes a user and a service.
need_zookeeper() {
  need_packages default-jre-headless libzookeeper-java
}

# --- CoreDNS ---

coredns_module=github.com/coredns/coredns
coredns_version=v1.14.7
# What this one is compiled with, in the order in which the plugins are asked; with all of them it takes far longer.
coredns_plugins=(bind ready errors log etcd)

# need_coredns DIRECTORY: compiles CoreDNS into the directory unless it is there. No distribution packages it.
need_coredns() {
  if [[ -x $1/coredns ]]; then
    step "coredns: there ($1)"
    return
  fi
  compile_into "$1" coredns
}

# -mod=mod: the other modules' versions are those that CoreDNS names.
compile_coredns() {
  local go
  export CGO_ENABLED=0
  go=$(new_go) || return
  coredns_main >main.go
  printf 'module coredns\n\ngo 1.25.0\n\nrequire %s %s\n' "$coredns_module" "$coredns_version" >go.mod
  printf 'go build of %s %s with %s\n' "$coredns_module" "$coredns_version" "${coredns_plugins[*]}"
  timeout 900 "$go" build -mod=mod -o bin/coredns .
}

coredns_main() {
  printf 'package main\n\nimport (\n'
  printf '\t"%s"\n' "$coredns_module/core/dnsserver" "$coredns_module/coremain"
  printf '\t_ "%s"\n' "${coredns_plugins[@]/#/$coredns_module/plugin/}"
  printf ')\n\nfunc main() {\n\tdnsserver.Directives = []string{\n'
  printf '\t\t"%s",\n' "${coredns_plugins[@]}"
  printf '\t}\n\tcoremain.Run()\n}\n'
}
