#!/usr/bin/env bash
# Makes the base image of the containers without any image registry: a minimal Debian from the
# mirror that this machine's apt uses, imported into the container engine as akashi-base:<suite>.
# It must never change an existing image of that name unless asked to with --force.
#
#   ops/docker/make-base-image.sh [--force]
#
# Settings (environment): SUITE (bookworm), MIRROR (found in apt's sources), DOCKER (docker).
set -euo pipefail

suite=${SUITE:-bookworm}
docker=${DOCKER:-docker}
image=akashi-base:$suite

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else echo "make-base-image: this step needs root: $*" >&2; exit 1
  fi
}

# The first plain Debian archive that apt is told to use for this suite, in either file format.
apt_mirror() {
  local file
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -e "$file" ] || continue
    awk -v suite="$suite" '
      function flush() { if (uri != "" && has) { print uri; exit } uri = ""; has = 0 }
      /^[[:space:]]*$/ { flush() }
      /^URIs:/   { uri = $2 }
      /^Suites:/ { for (i = 2; i <= NF; i++) if ($i == suite) has = 1 }
      END        { flush() }' "$file"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -e "$file" ] || continue
    awk -v suite="$suite" '$1 == "deb" { for (i = 2; i < NF; i++) if ($i ~ /^https?:/ && $(i + 1) == suite) print $i }' "$file"
  done
}

if [ "${1:-}" != --force ] && "$docker" image inspect "$image" >/dev/null 2>&1; then
  echo "make-base-image: $image exists (use --force to make it again)" >&2
  exit 0
fi

mirror=${MIRROR:-$(apt_mirror | head -n 1)}
if [ -z "$mirror" ]; then
  echo "make-base-image: no mirror of $suite in apt's sources; name one: MIRROR=<address> $0" >&2
  exit 1
fi

if ! command -v debootstrap >/dev/null && ! [ -x /usr/sbin/debootstrap ]; then
  echo "make-base-image: installing the Debian package debootstrap" >&2
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap
fi

root=$(mktemp -d)
cleanup() { as_root rm -rf -- "$root"; }
trap cleanup EXIT

echo "make-base-image: debootstrap $suite from $mirror (about a minute)" >&2
as_root env PATH="$PATH:/usr/sbin:/sbin" debootstrap --variant=minbase "$suite" "$root/fs" "$mirror" >"$root/log" 2>&1 || {
  tail -n 20 "$root/log" >&2
  exit 1
}
# What a container never reads: package lists and archives, manuals, translations.
as_root rm -rf "$root"/fs/var/lib/apt/lists/* "$root"/fs/var/cache/apt/archives/*.deb \
  "$root"/fs/var/cache/apt/*.bin "$root"/fs/var/log/*.log \
  "$root"/fs/usr/share/doc "$root"/fs/usr/share/man "$root"/fs/usr/share/info "$root"/fs/usr/share/locale
as_root tar -C "$root/fs" --numeric-owner -c . | "$docker" import --change 'CMD ["bash"]' - "$image" >/dev/null
echo "make-base-image: $image is ready ($("$docker" image inspect -f '{{.Size}}' "$image") bytes)" >&2
