# shellcheck shell=bash
# The demo with --registry: containers appear in a registry that others run, and stay there through what may fail. The
# steps are in demo-registry-steps.sh; what is special about a registry is in the file of its name, as functions whose
# names begin or end with its own.
# To be sourced after demo-health.sh.

# shellcheck source=scripts/registry-servers.sh
. scripts/registry-servers.sh
# shellcheck source=scripts/registry-servers-java.sh
. scripts/registry-servers-java.sh
# shellcheck source=scripts/demo-registry-server.sh
. scripts/demo-registry-server.sh
# shellcheck source=scripts/demo-registry-steps.sh
. scripts/demo-registry-steps.sh
# shellcheck source=scripts/demo-registry-loss.sh
. scripts/demo-registry-loss.sh
# shellcheck source=scripts/demo-registry-consul.sh
. scripts/demo-registry-consul.sh
# shellcheck source=scripts/demo-registry-etcd.sh
. scripts/demo-registry-etcd.sh
# shellcheck source=scripts/demo-registry-zookeeper.sh
. scripts/demo-registry-zookeeper.sh
# shellcheck source=scripts/demo-registry-eureka.sh
. scripts/demo-registry-eureka.sh
# shellcheck source=scripts/demo-registry-nacos.sh
. scripts/demo-registry-nacos.sh

# tell_registry_story REGISTRY
tell_registry_story() {
  registry=$1
  prepare_host
  "prepare_$registry"
  open_demo_host
  start_server
  name_registry
  start_agent
  start_shop
  "look_at_$registry"
  lose_and_regain_health
  lose_server_data
  lose_container
  lose_agent
  start_without_agent
  import_billing
  withdraw_shop
  stop_agent
  stop_server
  remove_networks
  remove_demo_host
}

# has_story REGISTRY: whether it is one of those that there are.
has_story() {
  [[ -n $1 && -n ${registry_delivery[$1]:-} ]]
}
