# shellcheck shell=bash
# The demo with --cluster and --routed: hosts route for each other's containers, without a bridge and without an overlay.
# Each takes blocks of one pool of addresses, and BIRD tells the others over BGP. The steps are in the other demo-routed-*.sh.
# To be sourced after demo-cluster.sh.

# shellcheck source=scripts/demo-routed-agents.sh
. scripts/demo-routed-agents.sh
# shellcheck source=scripts/demo-routed-packets.sh
. scripts/demo-routed-packets.sh
# shellcheck source=scripts/demo-routed-failure.sh
. scripts/demo-routed-failure.sh

# tell_routed_story HOSTS
tell_routed_story() {
  host_count=$1
  be_routed
  prepare_cluster bird2 tcpdump
  open_cluster
  start_etcd
  describe_pools
  start_routed_agents
  start_birds
  start_web_everywhere
  let_hosts_talk
  show_routes
  watch_the_link
  find_over_hosts
  work_without_etcd
  cut_a_cable
  mend_the_cable
  withdraw_everywhere
  stop_birds
  remove_cluster
}
