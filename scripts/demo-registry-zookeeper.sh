# shellcheck shell=bash
# ZooKeeper, as --registry knows it: asked by its own zkCli.
# To be sourced by demo-registry.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

# Debian's ZooKeeper names the jars that it needs, but not enough of Netty, and none that prints a log.
zookeeper_jars=(zookeeper netty-codec netty-resolver netty-transport-native-unix-common slf4j-simple)

prepare_zookeeper() {
  need_zookeeper
}

configure_zookeeper() {
  tell 'One server. A session may be as short as two ticks:'
  run "$(write_zoo_cfg)"
  mkdir "$dir/bin"
  write_zkcli >"$dir/bin/zkCli"
  chmod +x "$dir/bin/zkCli"
  PATH=$PATH:$dir/bin
  tell 'zkCli below is org.apache.zookeeper.ZooKeeperMain of the same jars, -server 127.0.0.1:2181.'
}

write_zoo_cfg() {
  cat <<END
cat > $dir/zoo.cfg <<'EOF'
dataDir=$(server_data)
clientPort=2181
clientPortAddress=127.0.0.1
tickTime=500
admin.enableServer=false
4lw.commands.whitelist=srvr
EOF
END
}

# What it says of its connection is left out.
write_zkcli() {
  cat <<END
#!/usr/bin/env bash
set -o pipefail
$(zookeeper_java off ZooKeeperMain) -server 127.0.0.1:2181 "\$@" |
  sed -E '/^(Connecting to .*|Welcome to ZooKeeper!|JLine support .*|WATCHER::|WatchedEvent .*|)\$/d'
END
}

# zookeeper_java LOG-LEVEL CLASS
zookeeper_java() {
  local jars
  printf -v jars '/usr/share/java/%s.jar:' "${zookeeper_jars[@]}"
  printf '%s \\\n  ' 'java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData' \
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=$1" "-cp ${jars%:}"
  printf '%s' "org.apache.zookeeper.$2"
}

zookeeper_command() {
  printf '%s %s/zoo.cfg' "$(zookeeper_java error server.quorum.QuorumPeerMain)" "$dir"
}

zookeeper_question() {
  printf '%s' 'exec 3<>/dev/tcp/127.0.0.1/2181 && printf srvr >&3 && grep -q Mode: <&3'
}

zookeeper_fields() {
  cat <<'END'
"servers": ["127.0.0.1:2181"],
"ttl": "5s",
"import": { "namespace": "corp", "services": ["billing"] }
END
}

zookeeper_healthy() {
  printf '%s' "zkCli ls -R /services | sed -n 's|^/services/web/|get &|p' | zkCli | jq -r .address"
}

look_at_zookeeper() {
  local node="\$(zkCli ls -R /services | grep -m 1 '^/services/web/')"
  heading 'What stands in ZooKeeper'
  tell "The layout is that of Curator's x-discovery. The nodes of instances are ephemeral, of the agent's session:"
  run 'zkCli ls -R /services'
  run "zkCli get $node | jq 'del(.uriSpec)'"
  run "zkCli stat $node | grep ephemeralOwner"
}

register_billing_in_zookeeper() {
  cat <<'END'
zkCli create /services/billing
zkCli create /services/billing/b1 '{ "name": "billing", "id": "b1", "address": "192.0.2.80", "port": 8080 }'
END
}
