#!/bin/sh
# Installs the Debian packages listed in a file, where that is possible: `install-debian.sh LIST`.
# Their services are not started. Where it is not possible, what needs them is skipped.
set -u
list="$1"

wanted=$(grep -v '^#' "$list")
missing=
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
        missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Not installed, what needs them is skipped:$missing"
    exit 0
fi

echo "Installing$missing"
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=1
fi
trap '[ -z "$made" ] || rm -f "$policy"' EXIT
export DEBIAN_FRONTEND=noninteractive
debconf-set-selections 2>/dev/null <<'ANSWERS' || true
postfix postfix/main_mailer_type select No configuration
roundcube-core roundcube/dbconfig-install boolean false
ANSWERS
# shellcheck disable=SC2086 - a list of words
{
    apt-get update -qq &&
        apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 $missing
} >/dev/null || echo "Not all could be installed; what needs them is skipped."
exit 0
