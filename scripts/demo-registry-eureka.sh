# shellcheck shell=bash
# Eureka, as --registry knows it: Spring's server, asked by curl.
# To be sourced by demo-registry.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

eureka_url=http://127.0.0.1:8761/eureka

prepare_eureka() {
  eureka_directory=$(tool_directory eureka "$eureka_version")
  need_eureka "$eureka_directory"
}

configure_eureka() {
  tell "Spring's server, alone. Each second it evicts what has been silent for too long, however much that is:"
  run "$(write_eureka_settings)"
}

write_eureka_settings() {
  cat <<END
cat > $dir/eureka.properties <<'EOF'
server.address=127.0.0.1
server.port=8761
eureka.datacenter=default
eureka.instance.hostname=127.0.0.1
eureka.client.register-with-eureka=false
eureka.client.fetch-registry=false
eureka.client.service-url.defaultZone=$eureka_url/
eureka.server.wait-time-in-ms-when-sync-empty=0
eureka.server.enable-self-preservation=false
eureka.server.renewal-percent-threshold=0
eureka.server.eviction-interval-timer-in-ms=1000
eureka.server.response-cache-update-interval-ms=500
logging.level.root=WARN
EOF
END
}

eureka_command() {
  local spring=$eureka_directory/eureka/spring
  printf '%s \\\n  ' 'java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData' \
    "-Djava.io.tmpdir=$(server_data) -Duser.home=$(server_data)" "-cp $spring:$spring/lib/*"
  printf '%s' "EurekaServer --spring.config.additional-location=file:$dir/eureka.properties"
}

eureka_question() {
  printf '%s' "curl -sSf $eureka_url/apps"
}

eureka_fields() {
  cat <<'END'
"endpoints": ["http://127.0.0.1:8761"],
"ttl": "6s",
"import": { "namespace": "corp", "services": ["BILLING"] }
END
}

eureka_healthy() {
  printf '%s' "curl -sS -H 'Accept: application/json' $eureka_url/apps/WEB |
  jq -r '.application.instance[]? | select(.status == \"UP\").ipAddr'"
}

look_at_eureka() {
  heading 'What stands in Eureka'
  run "curl -sS -H 'Accept: application/json' $eureka_url/apps/WEB |
  jq '.application.instance[0] | { instanceId, app, status, ipAddr, port, vipAddress, leaseInfo, metadata }'"
}

register_billing_in_eureka() {
  cat <<END
curl -sSf -X POST -H 'Content-Type: application/json' $eureka_url/apps/BILLING -d '{ "instance": {
  "instanceId": "b1", "app": "BILLING", "hostName": "192.0.2.80", "ipAddr": "192.0.2.80", "vipAddress": "billing",
  "status": "UP", "port": { "\$": 8080, "@enabled": "true" },
  "dataCenterInfo": { "@class": "com.netflix.appinfo.InstanceInfo\$DefaultDataCenterInfo", "name": "MyOwn" } } }'
END
}
