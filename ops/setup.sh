#!/usr/bin/env bash
# Looks for what a build needs, names what is missing and installs it from Debian's archive.
# It must do nothing, and print nothing, when everything is there.
#
#   ops/setup.sh          what building, testing and the demo need
#   ops/setup.sh bench    and the etcd that the benches compare with
#   ops/setup.sh webhooks and the published library that webhooks are checked with
#   ops/setup.sh proofs   and the AnonCreds that proofs are compared with
#   ops/setup.sh images   and what makes the container images
set -euo pipefail

cd "$(dirname "$0")/.."
rust_min=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

say() { echo "setup: $*" >&2; }

# Rust itself is a person's choice of installation, so it is named, not installed.
if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
  say "cargo and rustc $rust_min or later are missing."
  say "Install them with rustup (https://rustup.rs), then run this again:"
  say "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env"
  exit 1
fi
rust_now=$(rustc --version | awk '{ print $2 }')
if [ "$(printf '%s\n%s\n' "$rust_min" "${rust_now%%-*}" | sort -V | head -n 1)" != "$rust_min" ]; then
  say "rustc is $rust_now; $rust_min or later is needed: rustup update stable"
  exit 1
fi

missing=()
need_command() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || missing+=("$2"); }

need_command clang clang
need_command mold mold
need_command ccache ccache
need_command pkg-config pkg-config
need_command make make
need_command cc gcc
need_command git git
# raft-proto reads its .proto files with protoc.
need_command protoc protobuf-compiler
# The second verifier of the proofs.
need_command python3 python3
# Clocks that jump, in the tests of real nodes.
compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null || missing+=(libfaketime)
# bindgen loads libclang while it reads RocksDB's headers.
compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null ||
  compgen -G '/usr/lib/*-linux-gnu/libclang*.so*' >/dev/null || missing+=(libclang-dev)
# The C and C++ standard headers: clang alone does not bring them everywhere.
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
compgen -G '/usr/include/c++/*/vector' >/dev/null || missing+=(g++)

case "${1:-}" in
  bench)
    need_command etcd etcd-server
    need_command etcdctl etcd-client
    ;;
  proofs | webhooks)
    python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
    ;;
  images)
    need_command docker docker.io
    docker compose version >/dev/null 2>&1 || need_command docker-compose docker-compose
    need_command debootstrap debootstrap
    ;;
  '') ;;
  *)
    say "unknown set of tools: $1 (bench, proofs, webhooks, images)"
    exit 2
    ;;
esac

if [ "${#missing[@]}" -gt 0 ]; then
  say "missing Debian packages: ${missing[*]}"
  if ! command -v apt-get >/dev/null; then
    say "there is no apt-get here; install their equivalents and run this again"
    exit 1
  fi
  root=()
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
      say "as root, run: apt-get install -y --no-install-recommends ${missing[*]}"
      exit 1
    fi
    root=(sudo)
  fi
  say "installing them with ${root[*]:+sudo }apt-get"
  export DEBIAN_FRONTEND=noninteractive
  # etcd-server would start a service of its own; the benches start theirs.
  policy=/usr/sbin/policy-rc.d
  if [ "${1:-}" = bench ] && [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
    "${root[@]}" chmod +x "$policy"
    trap '"${root[@]}" rm -f "$policy"' EXIT
  fi
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

# Python packages are not Debian's: one version, in an environment of its own beside what is built.
if [ "${1:-}" = proofs ]; then
  environment=${CARGO_TARGET_DIR:-$HOME/.cache/akashi-target}/anoncreds
  if ! "$environment/bin/python" -c 'import anoncreds' 2>/dev/null; then
    say "installing AnonCreds into $environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet anoncreds==0.2.3 >&2 ||
      say "AnonCreds cannot be had from here; its row will be missing"
  fi
fi
if [ "${1:-}" = webhooks ]; then
  environment=${CARGO_TARGET_DIR:-$HOME/.cache/akashi-target}/standardwebhooks
  if ! "$environment/bin/python" -c 'import standardwebhooks' 2>/dev/null; then
    say "installing standardwebhooks into $environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check standardwebhooks==1.1.0 >&2
  fi
fi
