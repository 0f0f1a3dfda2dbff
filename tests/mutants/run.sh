#!/usr/bin/env bash
# Plants one bug after the other into a copy of the sources and asks the tests of the replica and the
# simulator whether they notice. A table at the end; fails if a bug goes unnoticed.
# usage: tests/mutants/run.sh [part of a patch's name …]
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD
: "${CARGO:=cargo}" "${CARGO_TARGET_DIR:=$HOME/.cache/akashi-target}"
work=$CARGO_TARGET_DIR/mutants
copy=$work/src
export CARGO_TARGET_DIR=$work/target
# Enough seeds for every bug that only a storm finds, few enough for a minute each.
export AKASHI_SIM_SEEDS=${AKASHI_MUTANT_SEEDS:-100} AKASHI_GATE_FRAMES=1000

rm -rf "$copy"
mkdir -p "$copy"
git ls-files -z | tar --create --null --files-from=- | tar --extract --directory="$copy"

wanted() {
  [ $# -gt 1 ] || return 0
  local name=$1 part
  shift
  for part; do [[ $name == *"$part"* ]] && return 0; done
  return 1
}

table=()
missed=0
for patch in tests/mutants/*.patch; do
  name=$(basename "$patch" .patch)
  wanted "$name" "$@" || continue
  from=$SECONDS
  (cd "$copy" && patch --quiet --strip=1 --fuzz=0 <"$here/$patch")
  log=$work/$name.log
  if ! (cd "$copy" && $CARGO test --locked -p akashi-replica -p akashi-sim --no-run) >"$log" 2>&1; then
    verdict="DOES NOT COMPILE"
    missed=$((missed + 1))
  elif (cd "$copy" && timeout 1200 $CARGO test --locked --no-fail-fast -p akashi-replica -p akashi-sim) >>"$log" 2>&1; then
    verdict="NOT NOTICED"
    missed=$((missed + 1))
  else
    failed=$(grep -cE '^test .* \.\.\. FAILED$' "$log" || true)
    first=$(grep -m1 -oE 'seed [0-9]+: at [0-9]+ ms: [^"]*' "$log" || grep -m1 -E '^test .* \.\.\. FAILED$' "$log" || echo "the process ended")
    verdict="noticed by $failed tests, e.g. $first"
  fi
  (cd "$copy" && patch --quiet --strip=1 --fuzz=0 --reverse <"$here/$patch")
  table+=("$(printf '%-36s %5ds  %s' "$name" $((SECONDS - from)) "$verdict")")
  echo "${table[-1]}"
done
echo
printf '%s\n' "${table[@]}"
[ "$missed" -eq 0 ]
