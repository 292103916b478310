# shellcheck shell=bash
# Names over hosts: each agent answers for the containers of all.
# To be sourced by demo-cluster.sh.
# shellcheck disable=SC2154 # The variables are set by the scripts that are sourced before.

find_over_hosts() {
  heading 'They find each other by name, over hosts'
  on_each_host expect_web
  stand_on 2
  expect_answer 'the name of one leads to it from another host' "$(name_of 1)" "${web_v4[1]}"
  expect_answer 'and its address back to the name' "-x ${web_v4[1]}" "$(name_of 1)."
  tell 'From inside the container on host 2, by the nslookup of busybox:'
  run_all "ctr task exec --exec-id ask web2 /bin/nslookup -type=a web.default.svc.$zone" 'it finds all of them' \
    "${web_v4[@]}"
  run_lines "ctr task exec --exec-id get web2 /bin/wget -q -O - http://$(name_of 1)/" \
    'and reads the page of the one on host 1' 'This is web1 on host1.'
  tell 'The API of any agent has the containers of all hosts (the command line has those of its own):'
  run_all "$(curl_api /v1/services/web) | jq -r '.instances[] | \"\(.owner.container) \(.host) \(.status)\"'" \
    'none is missing' "${web_v4[@]}"
}

# expect_web: the service, from the host that is stood on.
expect_web() {
  expect_answer 'A: the service has the address of each' "web.default.svc.$zone" "${web_v4[@]}"
  ! has_ipv6 || expect_answer 'AAAA: the same over IPv6' "web.default.svc.$zone AAAA" "${web_v6[@]}"
}

# expect_answer SENTENCE QUERY LINE…: what dig is answered on the host that is stood on, as soon as it is.
expect_answer() {
  local sentence=$1 query=$2
  shift 2
  expect_lines "$dig $query" "$sentence" "$@"
}

# name_of NUMBER: by which the container of the host with this number is known.
name_of() {
  printf '%s-h%s-web%s.%s.%s' "$cluster" "$1" "$1" "$network" "$zone"
}
