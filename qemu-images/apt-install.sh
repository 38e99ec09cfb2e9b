#!/bin/sh
# Install those of the named Debian packages that are not installed yet; asks for root only if there are any.
set -eu
missing=
for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || { echo "vdsocat: please install, with this system's package manager:$missing" >&2; exit 2; }
root=
[ "$(id -u)" -eq 0 ] || root=sudo
echo "installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { $root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
       $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "vdsocat: apt-get could not install:$missing" >&2
    exit 3
fi
