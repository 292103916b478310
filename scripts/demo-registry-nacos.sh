# shellcheck shell=bash
# Nacos, as --registry knows it: version 3, asked by curl.
# To be sourced by demo-registry.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

nacos_url=http://127.0.0.1:8848/nacos/v3

prepare_nacos() {
  nacos_directory=$(tool_directory nacos "$nacos_version")
  need_nacos "$nacos_directory"
}

configure_nacos() {
  tell 'A Nacos 3, alone:'
  run "$(write_nacos_settings)"
}

# It does not start without a key for tokens, although it asks for none.
write_nacos_settings() {
  cat <<END
mkdir $dir/nacos
cat > $dir/nacos/application.properties <<'EOF'
server.address=127.0.0.1
nacos.server.main.port=8848
server.servlet.contextPath=/nacos
nacos.core.auth.system.type=nacos
nacos.core.auth.enabled=false
nacos.core.auth.admin.enabled=false
nacos.core.auth.server.identity.key=server
nacos.core.auth.server.identity.value=server
nacos.core.auth.plugin.nacos.token.secret.key=$(printf 'Nobody is asked for a token here.' | base64)
EOF
END
}

# Its database gives itself ten seconds to begin: on a machine that is busy too few, if it waits for the disk.
nacos_command() {
  local v3=$nacos_directory/nacos/v3 data
  data=$(server_data)
  printf '%s \\\n  ' "env --chdir=$data java -Xmx768m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData" \
    "-Djava.io.tmpdir=$data -Duser.home=$data -Dnacos.home=$data" \
    '-Dnacos.standalone=true -Dnacos.inetutils.ip-address=127.0.0.1 -Dderby.system.durability=test' \
    "-cp $v3:$v3/lib/*"
  printf '%s' "NacosServer --spring.config.additional-location=file:$dir/nacos/"
}

nacos_question() {
  printf '%s' "curl -sSf $nacos_url/admin/core/state/readiness"
}

nacos_fields() {
  cat <<'END'
"endpoints": ["http://127.0.0.1:8848"],
"ttl": "5s",
"import": { "namespace": "corp", "services": ["billing"] }
END
}

nacos_healthy() {
  printf '%s' "curl -sSf '$nacos_url/client/ns/instance/list?serviceName=web' |
  jq -r '.data[] | select(.healthy).ip'"
}

look_at_nacos() {
  heading 'What stands in Nacos'
  run "curl -sS '$nacos_url/client/ns/instance/list?serviceName=web' | jq '.data[0]'"
}

register_billing_in_nacos() {
  printf '%s' "curl -sSf -X POST $nacos_url/client/ns/instance -d serviceName=billing -d ip=192.0.2.80 -d port=8080"
}
