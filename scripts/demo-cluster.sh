# shellcheck shell=bash
# The demo with --cluster: one network and one set of names over several hosts, and what becomes of both when something
# fails. The steps are in the other demo-cluster-*.sh.
# To be sourced after demo-names.sh.
# shellcheck disable=SC2034 # host_count is read by the others.

# shellcheck source=scripts/demo-cluster-hosts.sh
. scripts/demo-cluster-hosts.sh
# shellcheck source=scripts/demo-cluster-etcd.sh
. scripts/demo-cluster-etcd.sh
# shellcheck source=scripts/demo-cluster-overlay.sh
. scripts/demo-cluster-overlay.sh
# shellcheck source=scripts/demo-cluster-containers.sh
. scripts/demo-cluster-containers.sh
# shellcheck source=scripts/demo-cluster-names.sh
. scripts/demo-cluster-names.sh
# shellcheck source=scripts/demo-cluster-failure.sh
. scripts/demo-cluster-failure.sh

# tell_cluster_story HOSTS
tell_cluster_story() {
  host_count=$1
  prepare_cluster
  open_cluster
  start_etcd
  describe_overlay
  start_agents
  start_web_everywhere
  let_hosts_talk
  show_overlay
  find_over_hosts
  lose_an_etcd_member
  lose_a_host
  bring_host_back
  withdraw_everywhere
  remove_cluster
}
