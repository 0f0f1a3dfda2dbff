#!/usr/bin/env bash
# Builds the image akashi:<tag> from binaries that cargo builds here, without any registry.
#
#   ops/docker/build-image.sh
#
# Settings (environment): IMAGE (akashi:dev), DOCKER (docker), SUITE (bookworm), CARGO_TARGET_DIR.
set -euo pipefail
cd "$(dirname "$0")/../.."

docker=${DOCKER:-docker}
image=${IMAGE:-akashi:dev}
suite=${SUITE:-bookworm}

host=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
if [ "$host" != "$suite" ]; then
  echo "build-image: this machine is $host and the image $suite; binaries need the same C library." >&2
  echo "build-image: set SUITE=$host, or build the target 'runtime' of ops/docker/Dockerfile." >&2
  exit 1
fi

ops/docker/make-base-image.sh
make --no-print-directory build
bin=${CARGO_TARGET_DIR:-${AKASHI_TARGET:-$HOME/.cache/akashi-target}}/debug

# The engine is sent the two binaries and nothing else of this directory.
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
for binary in akashi-node akashi; do
  objcopy --strip-debug "$bin/$binary" "$context/$binary"
done
"$docker" build --quiet --target prebuilt --build-arg "BASE_IMAGE=akashi-base:$suite" \
  --tag "$image" --file ops/docker/Dockerfile "$context" >/dev/null
echo "build-image: $image is ready" >&2
