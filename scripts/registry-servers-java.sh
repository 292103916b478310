# shellcheck shell=bash
# The servers of outside registries that are written in Java: Eureka and Nacos, of each the two kinds that are in use.
# To be sourced after setup.sh. Nothing is started here.

# Spring's, and Netflix's own. What is fetched is in scripts/eureka/*/pom.xml.
# shellcheck disable=SC2034 # for those who name the directory
eureka_version=4.1.3-1.10.1
# What is fetched is in scripts/nacos/*/pom.xml.
# shellcheck disable=SC2034 # for those who name the directory
nacos_version=2.3.2-3.1.0

# Those who write Nacos publish no server: these jars are other people's, of the same sources. So what they are is kept.
declare -A nacos_digests=(
  [v2]=027b2acfbf96fe106aec66221b05a2b4b5cc7401f3b5386553ab8c7618e9064e
  [v3]=5a36574ed939408265e56a3e2df397ef15c700eb96adb00fe894f952fbbde919
)

dependency_plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1

# need_eureka DIRECTORY: puts eureka/spring and eureka/netflix into it unless they are there.
need_eureka() {
  need_java_servers "$1" eureka
}

# need_nacos DIRECTORY: puts nacos/v2, nacos/v3 and what keeps them to the loopback into it unless they are there.
need_nacos() {
  need_java_servers "$1" nacos gcc libc6-dev
}

# need_java_servers DIRECTORY TOOL PACKAGE…: has make_TOOL fill a scratch directory, which is put in place as a whole.
need_java_servers() {
  local directory=$1 tool=$2 work status=0
  if [[ -d $directory/$tool ]]; then
    step "$tool: there ($directory)"
    return
  fi
  need_packages default-jdk-headless maven "${@:3}" || return
  step "$tool: fetching it with Maven"
  work=$(mktemp -d)
  on_exit rm -rf "$work"
  "make_$tool" "$work" 2>&1 | indent || status=1
  ((status == 0)) && put_in_place "$work/$tool" "$directory/$tool" || status=1
  rm -rf "$work"
  ((status == 0)) && return
  complain "there is no $tool, see above; it needs Java 17 or later and what Maven can fetch. Run it again then"
  return 1
}

# put_in_place FROM TO: so that nobody finds half of it.
put_in_place() {
  mkdir -p "$(dirname "$2")" && rm -rf "$2.new" && cp -r "$1" "$2.new" && mv -T "$2.new" "$2"
}

make_eureka() {
  fetch_jars "$1" eureka/spring && compile_class "$1" eureka/spring EurekaServer && fetch_jars "$1" eureka/netflix
}

make_nacos() {
  fetch_jars "$1" nacos/v2 && check_jars "$1" v2 || return
  fetch_jars "$1" nacos/v3 && check_jars "$1" v3 && compile_class "$1" nacos/v3 NacosServer || return
  printf 'compiling loopback.so\n'
  cc -shared -fPIC -O2 -o "$1/nacos/loopback.so" scripts/nacos/loopback.c
}

# fetch_jars WORK SERVER: leaves what the server's pom.xml names in its lib. A repository of its own: nothing else of
# the user's needs it. -C: what does not match its checksum is refused.
fetch_jars() {
  printf '%s: the jars of scripts/%s/pom.xml\n' "$2" "$2"
  timeout 600 mvn --batch-mode --quiet -Dstyle.color=never -Dmaven.artifact.threads=10 -C "-Dmaven.repo.local=$1/repository" --file "scripts/$2/pom.xml" \
    "$dependency_plugin:copy-dependencies" -DincludeScope=runtime "-DoutputDirectory=$1/$2/lib"
}

compile_class() {
  printf '%s: compiling %s.java\n' "$2" "$3"
  timeout 120 javac -nowarn --release 17 -d "$1/$2" -cp "$1/$2/lib/*" "scripts/$2/$3.java"
}

# check_jars WORK VERSION: whether Nacos' own jars are the known ones.
check_jars() {
  local digest
  digest=$(cd "$1/nacos/$2/lib" && sha256sum nacos-*.jar default-*.jar | LC_ALL=C sort | sha256sum)
  [[ ${digest%% *} == "${nacos_digests[$2]}" ]] && return
  printf 'the jars of Nacos %s are not those that are known, but %s\n' "$2" "${digest%% *}"
  return 1
}
