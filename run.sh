#!/bin/sh
# One image on one named platform: sets up what is missing, builds, runs. See ./run.sh --help.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 2

yes='' groups='run qemu' stick=''
for word in "$@"; do
	case $word in
	--yes) yes=--yes ;;
	--qemu | --qemu=*) groups='run' ;; # brings its own
	usb | usb-amd) stick='usb ovmf' ;;
	-h | --help) groups='' ;;
	esac
done
# Distributions' modules (junit_xml) belong to the system's Python, whatever else comes first in PATH.
python=/usr/bin/python3
[ -x "$python" ] || python=python3
if [ -n "$groups" ] || ! command -v "$python" >/dev/null; then
	# shellcheck disable=SC2086 # words on purpose
	"$here/tools/setup.sh" $yes ${groups:-run} $stick || exit
fi
# Compiled modules go to build/, even where none are wanted beside their sources: compiling takes longer than the rest.
PYTHONDONTWRITEBYTECODE='' exec "$python" -X "pycache_prefix=$here/build/pycache" "$here/tools/run.py" "$@"
