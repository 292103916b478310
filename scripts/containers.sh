# shellcheck shell=bash
# Hosts of their own on this machine, each with a containerd: a network namespace, one for the host name, a mount
# namespace in which /run, /opt/cni/bin, /etc/cni/net.d, /etc/fairlead, /var/lib/cni and /var/lib/fairlead are private,
# and one temporary directory that holds all files. And roots for their containers.
# To be sourced after setup.sh, by root.
#
# `ctr run --cni` takes no directories and runs the plugins itself, so it is `ctr` that must see the private ones.
# A host is known by its name alone, which says whose it is: <prefix>-<pid>-<start time of that process>[-<more>].

declare -A host_holders=()
made_netns_dir=no

# The name of a host of this process.
name_host() {
  printf '%s-%s-%s' "$1" "$$" "$(start_time "$$")"
}

# When a process started, in clock ticks after boot: with its number it tells a process from every other of this boot.
start_time() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The command's name, in parentheses, may contain anything.
  read -r -a fields <<<"${stat##*) }"
  printf '%s' "${fields[19]}"
}

host_dir() {
  printf '%s/%s' "${TMPDIR:-/tmp}" "$1"
}

# open_host NAME
open_host() {
  local dir
  dir=$(host_dir "$1")
  mkdir -m 700 "$dir"
  mkdir "$dir/cni-bin" "$dir/cni-conf" "$dir/cni-state" "$dir/conf" "$dir/registry"
  boot_host "$1"
}

# boot_host NAME: its namespaces, over the files that it has.
boot_host() {
  local name=$1 dir
  dir=$(host_dir "$name")
  [[ -d /run/netns ]] || made_netns_dir=yes
  ip netns add "$name"
  ip -n "$name" link set dev lo up
  hold_host "$name"
  on_host "$name" mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run
  mount_on_host "$name" "$dir/cni-bin" /opt/cni/bin "$dir/cni-conf" /etc/cni/net.d \
    "$dir/conf" /etc/fairlead "$dir/cni-state" /var/lib/cni "$dir/registry" /var/lib/fairlead
}

# A mount namespace lives as long as a process is in it. setsid: a Ctrl-C is for the script, which then cleans up.
hold_host() {
  local name=$1
  nsenter --net="/run/netns/$name" unshare --mount --uts --propagation private setsid sleep infinity \
    </dev/null &>/dev/null &
  host_holders[$name]=$!
  disown
  wait_for 10 is_held "$name"
}

# Whether the holder has come so far: in a mount namespace of its own, and become `sleep`.
is_held() {
  local holder=/proc/${host_holders[$1]} own
  own=$(readlink /proc/self/ns/mnt)
  [[ $(readlink "$holder/ns/mnt") != "$own" ]] && [[ $(readlink "$holder/exe") == */sleep ]]
}

# on_host NAME COMMAND [ARGUMENT…]
on_host() {
  (exec_on_host "$@")
}

# The same in place of this shell, so that a subshell in the background has the command's process id.
exec_on_host() {
  local name=$1
  shift
  exec nsenter --net="/run/netns/$name" --mount="/proc/${host_holders[$name]}/ns/mnt" \
    --uts="/proc/${host_holders[$name]}/ns/uts" -- \
    env -C "$PWD" "PATH=$PATH:/opt/cni/bin" CNI_PATH=/opt/cni/bin \
    "CONTAINERD_ADDRESS=$(host_dir "$name")/containerd.sock" "CONTAINERD_NAMESPACE=$name" "$@"
}

# mount_on_host NAME {SOURCE TARGET}…
mount_on_host() {
  local name=$1
  shift
  on_host "$name" bash -euo pipefail -c "$(declare -f mount_all make_target); mount_all \"\$@\"" mount_all "$@"
}

# First all that is to be mounted on, for an overlay hides what was mounted below it before.
mount_all() {
  local at
  for ((at = 2; at <= $#; at += 2)); do make_target "${!at}"; done
  while (($# > 0)); do
    mount --bind "$1" "$2"
    shift 2
  done
}

# A directory that does not exist on this machine is not to be made there: it is made on an overlay over what does
# exist, whose changes are kept on the host's own /run.
make_target() {
  local target=$1 base=$1 changes
  until [[ -d $base ]]; do base=${base%/*}; done
  [[ $base != "$target" ]] || return 0
  changes=/run/changes$base
  if [[ ! -d $changes ]]; then
    mkdir -p "$changes/upper" "$changes/work"
    mount -t overlay -o "lowerdir=$base,upperdir=$changes/upper,workdir=$changes/work" overlay "$base" || {
      printf 'without overlayfs, %s must exist: mkdir -p %s\n' "$target" "$target" >&2
      return 1
    }
  fi
  mkdir -p "$target"
}

# The command that start_containerd runs, as one line.
containerd_command() {
  local dir
  dir=$(host_dir "$1")
  printf '%s\n' "containerd --config $dir/containerd.toml --root $dir/containerd-root\
 --state $dir/containerd-state --address $dir/containerd.sock"
}

# start_containerd NAME [CONFIGURATION]: sets containerd_pid. The second is the function that prints containerd's
# configuration: containerd_config unless given.
start_containerd() {
  local name=$1 configuration=${2:-containerd_config} dir command
  dir=$(host_dir "$name")
  "$configuration" "$dir" >"$dir/containerd.toml"
  read -r -a command < <(containerd_command "$name")
  (exec_on_host "$name" setsid "${command[@]}") </dev/null &>"$dir/containerd.log" &
  containerd_pid=$!
  disown
  wait_for 30 on_host "$name" timeout 5 ctr version && return
  complain 'containerd does not answer; the end of its log:'
  tail -n 20 "$dir/containerd.log" | indent >&2
  return 1
}

# Kubernetes' side of containerd would look for a network of its own, NRI for a socket; both by the names that
# containerd 1 and 2 know them by. The `opt` plugin makes /opt/containerd unless told another place.
containerd_config() {
  cat <<END
version = 2
disabled_plugins = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.cri.v1.images",
  "io.containerd.cri.v1.runtime",
  "io.containerd.nri.v1.nri",
]

[plugins."io.containerd.internal.v1.opt"]
  path = "$1/containerd-opt"
END
}

# containerd_cri_config DIRECTORY: with Kubernetes' side (CRI). All pods are of one image, which add_pod_image makes;
# network namespaces are kept with the host's other state.
containerd_cri_config() {
  cat <<END
version = 2
disabled_plugins = ["io.containerd.nri.v1.nri"]

[plugins."io.containerd.internal.v1.opt"]
  path = "$1/containerd-opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$pod_image"
  stream_server_address = "127.0.0.1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
    max_conf_num = 1
END
}

# What the image of every pod is called. The name has a registry's form, which containerd asks for; nobody is asked for it.
pod_image=localhost/fairlead-pod:1

# add_pod_image NAME: gives the host's containerd the image, which needs no registry.
add_pod_image() {
  local archive
  archive=$(host_dir "$1")/pod-image.tar
  make_pod_image "$archive"
  on_host "$1" ctr --namespace k8s.io images import --snapshotter overlayfs "$archive" >/dev/null
}

# make_pod_image FILE: an archive as `docker save` writes it, of one layer: busybox, which answers HTTP on port 8080.
make_pod_image() {
  local work=$1.d digest
  mkdir -p "$work/root/bin" "$work/root/www"
  cp "$(command -v busybox)" "$work/root/bin/busybox"
  printf 'a pod\n' >"$work/root/www/index.html"
  tar -C "$work/root" --owner 0 --group 0 -cf "$work/layer.tar" .
  digest=$(sha256sum "$work/layer.tar")
  jq -n --arg layer "sha256:${digest%% *}" --arg machine "$HOSTTYPE" '{
    architecture: (if $machine == "aarch64" then "arm64" else "amd64" end), os: "linux",
    config: { Entrypoint: ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"] },
    rootfs: { type: "layers", diff_ids: [$layer] }
  }' >"$work/config.json"
  jq -n --arg name "$pod_image" '[{ Config: "config.json", RepoTags: [$name], Layers: ["layer.tar"] }]' \
    >"$work/manifest.json"
  tar -C "$work" -cf "$1" manifest.json config.json layer.tar
  rm -r "$work"
}

stop_containerd() {
  kill -TERM "$containerd_pid"
  wait_for 20 has_ended "$containerd_pid"
}

has_ended() {
  ! kill -0 "$1" 2>/dev/null
}

# What podman is made of on Debian 12: its 4.3 is the last that attaches containers by CNI plugins.
podman_packages=(podman conmon golang-github-containers-common golang-github-containers-image
  libassuan0 libdevmapper1.02.1 libgpgme11 libsubid4)

# need_podman DIRECTORY: unpacks podman into the directory unless it is there. It is not installed: its package puts a
# network into /etc/cni/net.d and has units started.
need_podman() {
  if has_cni_podman "$1"; then
    step "podman: there ($1)"
    return
  fi
  step 'podman: unpacking'
  unpack_packages "$1" "${podman_packages[@]}" | indent
  has_cni_podman "$1" && return
  complain 'podman 4, which attaches containers by CNI plugins, cannot be had from this distribution'
  return 1
}

# podman 5 has no CNI any more.
has_cni_podman() {
  local version
  version=$(run_podman "$1" --version 2>/dev/null) || return 1
  [[ $version == 'podman version 4.'* ]]
}

# run_podman DIRECTORY [ARGUMENT…]: the podman that need_podman has unpacked there.
run_podman() {
  local libraries
  libraries=$(printf '%s:' "$1"/usr/lib/*-linux-gnu "$1"/lib/*-linux-gnu)
  LD_LIBRARY_PATH=$libraries "$1/usr/bin/podman" "${@:2}"
}

# firewalld with a bus of its own, and what they are made of beside Python and nft on Debian 12.
firewalld_packages=(firewalld python3-firewall python3-nftables python3-dbus python3-gi gir1.2-glib-2.0 dbus-daemon
  libapparmor1 libcap-ng0 libdbus-1-3 libexpat1 libffi8 libgirepository-1.0-1 libglib2.0-0)

# need_firewalld DIRECTORY: unpacks firewalld into the directory unless it is there. It is not installed: its package
# switches a firewall on.
need_firewalld() {
  if has_firewalld "$1"; then
    step "firewalld: there ($1)"
    return
  fi
  step 'firewalld: unpacking'
  unpack_packages "$1" "${firewalld_packages[@]}" | indent
  has_firewalld "$1" && return
  complain 'firewalld and dbus-daemon cannot be had from this distribution'
  return 1
}

has_firewalld() {
  [[ -e $1/usr/sbin/firewalld && -x $1/usr/bin/dbus-daemon ]]
}

# unpack_packages DIRECTORY PACKAGE…: what the packages hold becomes the directory, which is there with all of it or not
# at all. Nothing is installed. As on the machine itself, what packages have in /lib comes to be in /usr/lib.
unpack_packages() {
  local directory=$1 partial=$1.partial package
  rm -rf "$partial"
  mkdir -p "$partial/packages" "$partial/lib" "$partial/usr/lib"
  fetch_packages "$partial/packages" "${@:2}" || return
  for package in "$partial"/packages/*.deb; do dpkg-deb --extract "$package" "$partial" || return; done
  cp -a "$partial/lib/." "$partial/usr/lib"
  rm -rf "$partial/packages" "${partial:?}/lib" "$directory"
  ln -s usr/lib "$partial/lib"
  mv -T "$partial" "$directory"
}

# fetch_packages DIRECTORY PACKAGE…
fetch_packages() {
  download_packages "$@" || { apt_get update && download_packages "$@"; }
}

download_packages() {
  (cd "$1" && apt_get -o APT::Sandbox::User=root download "${@:2}")
}

# make_rootfs DIRECTORY: a root file system without an image: busybox, under all of its names.
make_rootfs() {
  local rootfs=$1 applet
  mkdir -p "$rootfs"/{bin,dev,etc,proc,sys,tmp}
  cp "$(command -v busybox)" "$rootfs/bin/busybox"
  for applet in $(busybox --list); do
    [[ -e $rootfs/bin/$applet ]] || ln -s busybox "$rootfs/bin/$applet"
  done
}

# make_glibc_root DIRECTORY: adds what a program needs that resolves names by glibc: getent, its libraries and the
# modules of the name service switch, from this machine. There may be a root of make_rootfs already.
make_glibc_root() {
  local root=$1 file
  mkdir -p "$root"/{bin,etc}
  cp "$(command -v getent)" "$root/bin/getent"
  while read -r file; do
    mkdir -p "$root${file%/*}"
    cp -L "$file" "$root$file"
  done < <(resolver_libraries)
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
}

# The loader and libc, as ldd names them; and beside libc what it loads by itself when a name is asked for. From
# glibc 2.34 on the modules are in libc, and their files are only there for what was linked before.
resolver_libraries() {
  local getent libraries libc module
  getent=$(command -v getent)
  libraries=$(ldd "$getent" | grep -o '/[^ ]*')
  printf '%s\n' "$libraries"
  libc=$(grep '/libc\.so' <<<"$libraries")
  for module in libnss_files.so.2 libnss_dns.so.2 libresolv.so.2; do
    [[ ! -e ${libc%/*}/$module ]] || printf '%s/%s\n' "${libc%/*}" "$module"
  done
}

# The jq program that makes a resolv.conf of what libcni keeps of an ADD (<network>-<container>-<interface> in
# /var/lib/cni/results). Most runtimes write that file into their containers; ctr does not.
# shellcheck disable=SC2034
resolv_conf_filter='.result.dns | (.nameservers[] | "nameserver " + .), "search " + (.search | join(" "))'

# close_host NAME: ends what runs there and removes all of it. Succeeds where nothing is left.
close_host() {
  halt_host "$1"
  [[ $made_netns_dir == no ]] || remove_netns_dir
  rm -rf --one-file-system "$(host_dir "$1")"
}

# halt_host NAME: as a loss of power does: of the host its files remain, but those in its /run.
halt_host() {
  local name=$1
  end_processes "$name"
  remove_cgroups "$name"
  # Another namespace may get the inode under which the rules of this host's attachments are recorded.
  [[ ! -e /run/netns/$name ]] || rm -rf "/run/fairlead/rules/$(stat -c %i "/run/netns/$name")"
  [[ ! -e /run/netns/$name ]] || ip netns del "$name"
  unset "host_holders[$name]"
}

# The first `ip netns add` after a boot makes the directory and mounts it on itself. If that was ours, and nobody has
# put a namespace there since, it goes again.
remove_netns_dir() {
  [[ -z $(ls -A /run/netns) ]] || return 0
  ! mountpoint -q /run/netns || umount /run/netns
  rmdir /run/netns
  made_netns_dir=no
}

# Processes in the host's network namespace, and those in its containers, which are in namespaces of their own but
# in cgroups below the name of containerd's namespace: the host's.
host_processes() {
  local cgroup
  {
    [[ ! -e /run/netns/$1 ]] || ip netns pids "$1"
    while read -r cgroup; do
      find "$cgroup" -name cgroup.procs -exec cat {} + 2>/dev/null || true
    done < <(host_cgroups "$1")
  } | sort -un
}

host_cgroups() {
  find /sys/fs/cgroup -maxdepth 5 -type d -name "$1" 2>/dev/null || true
}

# At once by KILL: the first process of a container ignores TERM, and nothing of the host is kept anyway.
end_processes() {
  wait_for 20 kill_processes "$1" && return
  complain "of $1 there are still the processes $(host_processes "$1" | tr '\n' ' ')"
  return 1
}

# Succeeds when there is none left.
kill_processes() {
  local pids
  mapfile -t pids < <(host_processes "$1")
  ((${#pids[@]} > 0)) || return 0
  kill -KILL "${pids[@]}" || true
  return 1
}

remove_cgroups() {
  wait_for 10 try_remove_cgroups "$1"
}

# A cgroup is busy for a moment after its last process has ended.
try_remove_cgroups() {
  local cgroup
  while read -r cgroup; do
    find "$cgroup" -depth -type d -exec rmdir {} \;
  done < <(host_cgroups "$1")
  [[ -z $(host_cgroups "$1") ]]
}

# close_stale_hosts PREFIX: removes what runs that were killed have left.
close_stale_hosts() {
  local name
  while read -r name; do
    is_owned "$name" && continue
    step "removing $name, which a run that was killed has left"
    close_host "$name" </dev/null
  done < <(list_hosts "$1")
}

# Every host with the prefix that has a network namespace, a directory or a cgroup. Only root's: anybody may write
# to a temporary directory.
list_hosts() {
  local places=()
  [[ ! -d /run/netns ]] || places+=(/run/netns)
  {
    find "${places[@]}" "${TMPDIR:-/tmp}" -maxdepth 1 -user root -name "$1-*" -printf '%f\n'
    find /sys/fs/cgroup -maxdepth 5 -type d -name "$1-*" -printf '%f\n' 2>/dev/null || true
  } | grep -E "^$1-[0-9]+-[0-9]+(-[a-z0-9]+)*$" | sort -u || true
}

# Whether the process that a host's name tells of is still there.
is_owned() {
  local pid started
  [[ $1 =~ -([0-9]+)-([0-9]+)(-[a-z0-9]+)*$ ]] || return 1
  pid=${BASH_REMATCH[1]} started=${BASH_REMATCH[2]}
  [[ $(start_time "$pid") == "$started" ]]
}
