#!/bin/sh
# Writes the lock files of this folder anew: `sh requirements/lock.sh PIP_COMPILE`.
# Names and hashes only; nothing of the machine or of where the packages came from.
set -eu
compile="$1"
cd "$(dirname "$0")/.."
case "$compile" in /*) ;; */*) compile="./$compile" ;; esac

lock() {
    output="$1"
    shift
    "$compile" --quiet --generate-hashes --strip-extras --allow-unsafe --no-header --no-annotate \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
        --output-file "requirements/$output" "$@"
    echo "requirements/$output: $(grep -c == "requirements/$output") packages"
}

lock run.txt pyproject.toml
lock build.txt requirements/build.in --constraint requirements/run.txt
lock test.txt --extra dev pyproject.toml --constraint requirements/run.txt
