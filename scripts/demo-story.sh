# shellcheck shell=bash
# The means by which the demo tells its story: what it runs is shown, and every check is counted.
# To be sourced after setup.sh and containers.sh; `host` is the host on which commands are run, `place` its short name.
# shellcheck disable=SC2154 # host is set by demo-host.sh.

place=host
steps=0
checks=0
skipped=()

# heading TITLE: of the next step.
heading() {
  local title
  steps=$((steps + 1))
  title="$steps. $1"
  printf '\n%s\n%s\n' "$title" "${title//?/-}"
}

tell() {
  printf '  %s\n' "$@"
}

# run COMMAND: what is printed is what is run.
run() {
  print_command "$1"
  ask "$1" 2>&1 | indent || fail "the command above has failed (exit status ${PIPESTATUS[0]})"
}

print_command() {
  local line prompt="$place# "
  while IFS= read -r line; do
    printf '  %s%s\n' "$prompt" "$line"
    prompt='    > '
  done <<<"$1"
}

# ask COMMAND: runs it without a word about it. The time limit is for what should take a second.
ask() {
  on_host "$host" timeout -k 5 60 bash -o pipefail -c "$1" </dev/null
}

# start_daemon COMMAND LOG: shows the command, which has no quotes, and runs it in the background; sets daemon_pid.
# setsid: a Ctrl-C is for this script, which then cleans up.
# shellcheck disable=SC2034
start_daemon() {
  local words
  print_command "$1 >$2 2>&1 &"
  read -r -a words <<<"${1//\\$'\n'/}"
  (exec_on_host "$host" setsid "${words[@]}") </dev/null &>"$2" &
  daemon_pid=$!
}

# seconds_since NANOSECONDS: with one digit behind the point.
seconds_since() {
  local ms=$((($(date +%s%N) - $1) / 1000000))
  printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100))
}

# check SENTENCE COMMAND [ARGUMENT…]: the sentence is true if the command succeeds.
check() {
  local sentence=$1 output
  shift
  if output=$("$@" 2>&1); then
    printf '  ✓ %s\n' "$sentence"
    checks=$((checks + 1))
    return
  fi
  printf '  ✗ %s\n' "$sentence"
  [[ -z $output ]] || indent <<<"$output"
  fail "not true: $sentence"
}

# run_check COMMAND SENTENCE: the sentence is true if the command, which is shown, succeeds.
run_check() {
  print_command "$1"
  check "$2" ask "$1"
}

# run_refused COMMAND SENTENCE PATTERN: the command must fail with an answer that matches the pattern.
run_refused() {
  local output
  print_command "$1"
  if output=$(ask "$1" 2>&1); then
    fail 'the command above should have failed'
  fi
  indent <<<"$output"
  check "$2" grep -Eq "$3" <<<"$output"
}

# run_lines COMMAND SENTENCE [LINE…]: the command must print these lines, in any order, and no others.
run_lines() {
  local command=$1 sentence=$2 output expected
  shift 2
  print_command "$command"
  output=$(ask "$command" 2>&1) || fail "the command above has failed: $output"
  [[ -z $output ]] || indent <<<"$output"
  printf -v expected '%s\n' "$@"
  check "$sentence" are_same_lines "$output" "${expected%$'\n'}"
}

# expect_lines COMMAND SENTENCE [LINE…]: the same, as soon as it does.
expect_lines() {
  wait_for 30 prints_lines "$1" "${@:3}" || true
  run_lines "$@"
}

# prints_lines COMMAND [LINE…]
prints_lines() {
  local output expected
  output=$(ask "$1") || return
  shift
  printf -v expected '%s\n' "$@"
  are_same_lines "$output" "${expected%$'\n'}"
}

# are_same_lines GIVEN EXPECTED: prints what is missing ("-") and what is too much ("+").
are_same_lines() {
  local given expected
  given=$(sort <<<"$1")
  expected=$(sort <<<"$2")
  diff -U 0 <(printf '%s\n' "$expected") - <<<"$given"
}

fail() {
  complain "$1"
  exit 1
}

not() {
  ! "$@"
}

# Whether a command on the host succeeds and prints nothing; what it prints is what should not be there.
is_empty() {
  local output
  output=$(ask "$1") || return 1
  [[ -n $output ]] || return 0
  printf '%s\n' "$output"
  return 1
}

# skip WHAT WHY
skip() {
  skipped+=("$1")
  tell "Skipped: $2."
}
