# shellcheck shell=bash
# Consul, as --registry knows it: asked by curl and by dig.
# To be sourced by demo-registry.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

prepare_consul() {
  local directory
  directory=$(tool_directory consul "$consul_version")
  need_consul "$directory"
  PATH=$PATH:$directory
}

configure_consul() {
  tell "A Consul agent that is its cluster's only server, and keeps everything in memory:"
}

consul_command() {
  printf '%s' 'consul agent -dev -node company -bind 127.0.0.1 -client 127.0.0.1 -log-level warn'
}

# Without a leader the catalogue is an error; the leader writes itself into it.
consul_question() {
  printf '%s' "curl -sSf http://127.0.0.1:8500/v1/catalog/nodes | jq -e 'length > 0'"
}

consul_fields() {
  cat <<'END'
"endpoints": ["http://127.0.0.1:8500"],
"ttl": "10s",
"import": { "namespace": "corp", "services": ["billing"] }
END
}

consul_healthy() {
  printf '%s' "curl -sSf 'http://127.0.0.1:8500/v1/health/service/web?passing=1' | jq -r '.[].Service.Address'"
}

# Whether every instance has the check that follows the agent's.
consul_adopted() {
  printf '%s' "curl -sSf http://127.0.0.1:8500/v1/health/service/web | jq 'all(any(.Checks[]; .Type == \"alias\"))'"
}

consul_dns() {
  printf '%s' 'dig +short -p 8600 @127.0.0.1 web.service.consul'
}

look_at_consul() {
  heading "What stands in Consul, and Consul's own names"
  run "curl -sS http://127.0.0.1:8500/v1/agent/services | jq '[.[] | select(.Service == \"web\")][0]'"
  run "curl -sS http://127.0.0.1:8500/v1/health/checks/web | jq -c '.[] | { Name, Type, Status, Output }'"
  run 'dig +noall +answer +additional -p 8600 @127.0.0.1 web.service.consul SRV'
}

register_billing_in_consul() {
  cat <<'END'
curl -sSf -X PUT http://127.0.0.1:8500/v1/agent/service/register \
  -d '{ "Name": "billing", "Address": "192.0.2.80", "Port": 8080 }'
END
}
