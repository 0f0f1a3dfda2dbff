#!/usr/bin/env bash
# The containers end to end: three nodes up, the sample enrolled, a call verified, the leader's
# container killed, more calls verified, a receipt checked without a network, the dead node back.
# Its data is thrown away before and after, so never run it beside a cluster that is worth keeping.
#
#   ops/docker/smoke.sh
#
# Settings (environment): COMPOSE (docker compose, or docker-compose), DOCKER (docker), KEEP=1 to
# leave the containers running.
set -euo pipefail
cd "$(dirname "$0")/../.."

docker=${DOCKER:-docker}
if [ -z "${COMPOSE:-}" ]; then
  if "$docker" compose version >/dev/null 2>&1; then COMPOSE="$docker compose"; else COMPOSE=docker-compose; fi
fi
read -ra compose <<<"$COMPOSE"
image=${AKASHI_IMAGE:-akashi:dev}
began=$SECONDS

say() { echo "smoke: $* ($((SECONDS - began)) s)" >&2; }
fail() { say "FAILED: $*"; exit 1; }

finish() {
  local status=$?
  if [ "$status" != 0 ]; then
    "${compose[@]}" ps >&2 || true
    "${compose[@]}" logs --tail 40 >&2 || true
  fi
  if [ "${KEEP:-}" != 1 ]; then
    "${compose[@]}" down --volumes --remove-orphans >/dev/null 2>&1 || true
  fi
  exit "$status"
}
trap finish EXIT

akashi() { "${compose[@]}" run --rm -T akashi "$@" </dev/null; }

# Waits for a state of a container: state <container> <go template> <value> <seconds>.
await() {
  local until=$((SECONDS + $4)) now
  while now=$("$docker" inspect -f "$2" "$1" 2>/dev/null || true); [ "$now" != "$3" ]; do
    [ "$SECONDS" -lt "$until" ] || fail "$1 is '$now', not '$3', after $4 s"
    sleep 0.5
  done
}

# One call with a simulated phone: call <number of the customer in the sample>.
call() {
  local line subject pin
  line=$(grep '"customer"' ops/samples/enrolment.jsonl | sed -n "$1p")
  subject=$(sed -E 's/.*"subject":"([^"]+)".*/\1/' <<<"$line")
  pin=$(sed -E 's/.*"pin":"([^"]+)".*/\1/' <<<"$line")
  # shellcheck disable=SC2016 # expanded in the container
  "${compose[@]}" run --rm -T --entrypoint bash akashi -euc '
    printf %s "$2" >/tmp/pin
    akashi --quiet phone answer "$1" --auto --pin-file /tmp/pin --timeout 60 >/dev/null & phone=$!
    status=0
    akashi call "$1" --initiator centre --timeout 30 --receipt "/cluster/call-$3.tlog-proof" || status=$?
    kill "$phone" 2>/dev/null || true
    exit "$status"' bash "$subject" "$pin" "$1" </dev/null >&2 || fail "call $1 was not verified"
}

"${compose[@]}" down --volumes --remove-orphans >/dev/null 2>&1 || true
"${compose[@]}" up -d >/dev/null 2>&1 || fail "containers do not start"
await akashi-found '{{.State.Status}} {{.State.ExitCode}}' 'exited 0' 90
for node in n1 n2 n3; do await "akashi-$node" '{{.State.Health.Status}}' healthy 60; done
say "three nodes are healthy and the log has its first entry"

akashi enrol /samples/enrolment.jsonl >&2
say "the sample is enrolled"

call 1
say "a call is verified on three nodes"

# The leader, if the status says who it is; any node will do otherwise.
leader=$(akashi cluster status -o json 2>/dev/null | tr -d ' \n' |
  grep -oE '"name":"n[1-3]"[^{}]*"role":"leader"' | grep -oE 'n[1-3]' | head -n 1 || true)
leader=${leader:-n1}
"$docker" kill -s KILL "akashi-$leader" >/dev/null
say "killed the container of $leader"
for number in 2 3 4; do call "$number"; done
say "three more calls are verified on two nodes"

volume=$("$docker" inspect -f '{{range .Mounts}}{{if eq .Destination "/cluster"}}{{.Name}}{{end}}{{end}}' akashi-init)
offline() {
  "$docker" run --rm --network none --volume "$volume:/cluster:ro" --entrypoint bash "$image" -euc "$1" >&2
}
offline 'akashi verify /cluster/call-4.tlog-proof --keys /cluster/cluster.keys'
# One byte of the leaf is another one: the second line of the file is the leaf in base64.
offline 'f=/tmp/flipped; awk "NR==2 { c = substr(\$0, 12, 1); \$0 = substr(\$0, 1, 11) (c == \"A\" ? \"B\" : \"A\") substr(\$0, 13) } 1" /cluster/call-4.tlog-proof >$f
  status=0; akashi --quiet verify $f --keys /cluster/cluster.keys || status=$?; [ $status = 7 ] || [ $status = 1 ]' ||
  fail "a changed receipt was accepted"
say "a receipt holds without a network, and fails with one byte changed"

"$docker" start "akashi-$leader" >/dev/null
await "akashi-$leader" '{{.State.Health.Status}}' healthy 60
call 5
say "the dead node is back"
say "passed"
