# shellcheck shell=bash
# The Debian package, made with dpkg-deb alone. To be sourced by scripts/package, which sets bin, version and processor.
#
# The plugins are in a directory of our own: /usr/lib/cni is the reference plugins', and what is in /opt/cni/bin an
# administrator has put there, so that only "fairlead install" changes it.
# shellcheck disable=SC2154 # The executables' directory, the version and the processor are set by scripts/package.

# make_deb DIRECTORY
make_deb() {
  local root package
  command -v dpkg-deb >/dev/null || fail 'dpkg-deb is missing: install the package dpkg'
  root=$(mktemp -d)
  on_exit rm -rf "$root"
  chmod 755 "$root"
  umask 022
  stage_executables "$root/usr"
  stage_manuals "$root/usr/share"
  stage_units "$root/usr/lib/systemd/system"
  stage_documents "$root/usr/share/doc/fairlead"
  stage_control "$root"
  chmod -R u=rwX,go=rX "$root"
  find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  package=$1/fairlead_${version}_$processor.deb
  dpkg-deb --root-owner-group -Zzstd --build "$root" "$package.new" >&2
  mv "$package.new" "$package"
  echo "$package"
}

# stage_executables USR: one file, of which the plugins are hard links.
stage_executables() {
  local name
  mkdir -p "$1/lib/fairlead/cni" "$1/bin"
  install -m 755 "$bin/fairlead" "$1/lib/fairlead/fairlead"
  while read -r name; do
    ln "$1/lib/fairlead/fairlead" "$1/lib/fairlead/cni/$name"
  done < <(plugin_names)
  ln -s ../lib/fairlead/fairlead "$1/bin/fairlead"
  # Where the executable looks for it when it is to install it.
  [[ ! -e $bin/fairlead-client ]] || install -m 755 "$bin/fairlead-client" "$1/lib/fairlead/fairlead-client"
}

# Those that the executable itself would install.
plugin_names() {
  scripts/with-node node --input-type=module --eval \
    "import { installedNames } from './lib/install/names.ts'; console.log(installedNames.join('\n'));"
}

# stage_manuals SHARE: what the executable says of itself, and the plugins' READMEs.
stage_manuals() {
  "$bin/fairlead" man --dir "$1/man" >/dev/null
  scripts/with-node node scripts/package-pages.ts "$1/man" "$version"
  gzip --best --no-name "$1"/man/man?/*
  mkdir -p "$1/bash-completion/completions" "$1/zsh/vendor-completions" "$1/fish/vendor_completions.d"
  "$bin/fairlead" completion bash >"$1/bash-completion/completions/fairlead"
  "$bin/fairlead" completion zsh >"$1/zsh/vendor-completions/_fairlead"
  "$bin/fairlead" completion fish >"$1/fish/vendor_completions.d/fairlead.fish"
}

# Nothing is enabled or started: an agent needs a configuration first.
stage_units() {
  mkdir -p "$1"
  install -m 644 scripts/fairlead-agent.service scripts/fairlead-bird.service "$1"
}

stage_documents() {
  mkdir -p "$1/examples/conflists"
  cp README.md "$1"
  cp -r scripts/unmanaged "$1"
  cp scripts/agent.example.json scripts/fairlead-agent-overlay.conf scripts/fairlead-agent-cni.conf "$1/examples"
  cp scripts/conflists/* "$1/examples/conflists"
  scripts/with-node node scripts/package-licences.ts >"$1/copyright"
}

stage_control() {
  mkdir "$1/DEBIAN"
  (cd "$1" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$1/DEBIAN/md5sums"
  cat >"$1/DEBIAN/control" <<EOT
Package: fairlead
Version: $version
Architecture: $processor
Maintainer: ${DEBFULLNAME:-Fairlead maintainers} <${DEBEMAIL:-fairlead@localhost}>
Installed-Size: $(du -sk --apparent-size "$1/usr" | cut -f 1)
Depends: iproute2, nftables, libatomic1, libc6 (>= 2.28), libgcc-s1 | libgcc1, libstdc++6 (>= 5.2)
Recommends: ethtool
Suggests: bird2, containerd | cri-o | podman
Section: net
Priority: optional
Description: container networks in which every container has a name
 CNI plugins with address management (bridge, ptp, routed, vxlan-overlay,
 host-local and those that are chained behind them) whose every ADD also
 registers the container in a service registry, and an agent that answers for
 the registry by DNS and HTTP.
 .
 The plugins are in /usr/lib/fairlead/cni: name that directory in the
 configuration of the container runtime, or put them into another one with
 "fairlead install --dir /opt/cni/bin".
EOT
}
