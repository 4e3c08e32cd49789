#!/bin/sh
# Unpacks Debian packages that cannot be installed beside others of the list in debian-test.txt,
# and installs only the libraries that they need: `unpack-debian.sh LIST`. They are never set up:
# no service, no user, no set-user-id program. Where it is not possible, the tests that need them
# are skipped.
set -u
list="$1"
folder=/var/cache/pillarbox-tests

missing=
for package in $(grep -v '^#' "$list"); do
    [ -d "$folder/$package/usr" ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Not unpacked, tests that need them are skipped:$missing"
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive

unpack() {
    libraries=$(apt-cache depends "$1" | sed -n 's/^[ |]*Depends: \(lib[^ ]*\)$/\1/p') || return 1
    # shellcheck disable=SC2086 - a list of words
    [ -z "$libraries" ] || apt-get install -y -qq --no-install-recommends --no-upgrade \
        -o Dpkg::Use-Pty=0 $libraries || return 1
    fresh=$(mktemp -d "$folder/.new.XXXXXX") || return 1
    chmod 755 "$fresh"
    (cd "$fresh" && apt-get download -qq "$1" && dpkg -x ./*.deb . && rm ./*.deb &&
        chmod -R u-s,g-s .) && rm -rf "${folder:?}/$1" && mv "$fresh" "$folder/$1"
}

echo "Unpacking$missing"
mkdir -p "$folder" && apt-get update -qq >/dev/null
for package in $missing; do
    unpack "$package" >/dev/null 2>&1 ||
        echo "Could not be unpacked; tests that need it are skipped: $package"
done
rm -rf "$folder"/.new.*
exit 0
