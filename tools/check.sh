#!/bin/sh
# `make check`: sets up what is missing, builds everything, runs every test that needs no special machine.
# Last line: "N passed, N failed, N skipped". Arguments: the unit-test programs to run.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
cd "$here" || exit 2

"$here/tools/setup.sh" run qemu check usb ovmf || exit
# A make of its own: what to build could not be known before the set-up, and the job slots of the caller are not ours.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s --no-print-directory -j"$(nproc)" ${V:+V="$V"} all host || exit 2
python=/usr/bin/python3
[ -x "$python" ] || python=python3
exec "$python" -X "pycache_prefix=$here/build/pycache" "$here/tools/check.py" "$@"
