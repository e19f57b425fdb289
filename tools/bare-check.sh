#!/bin/bash
# Checks that the package lists are complete: on a bare Debian in a folder of its own, a clone of this repository must
# get through ./run.sh and make check with nothing else typed.
#
# usage: tools/bare-check.sh [SUITE]      as root; needs debootstrap and git. SUITE: this machine's release.
# Takes what is committed. Uses the mirror of this machine's apt. Leaves nothing behind.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die()
{
	echo "bare-check.sh: $1" >&2
	exit 2
}

[ "$(id -u)" = 0 ] || die "this must run as root."
for program in debootstrap git; do
	command -v $program >/dev/null || die "$program is missing."
done

# shellcheck disable=SC1091 # of the system
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
suite=${1:-$release}
# shellcheck disable=SC2016 # for apt to expand
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' |
	awk -v r="$release" '$2 == r && $3 == "main" { print $1; exit }')
[ -n "$mirror" ] || die "this machine's apt configuration has no mirror for $release."

work=$(mktemp -d /var/tmp/portcullis-bare.XXXXXX)
root=$work/root
mounted=()

# Last in, first out; the folder is removed only when nothing of this machine is mounted below it any more.
clean_up()
{
	for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do
		umount "${mounted[i]}" || umount -l "${mounted[i]}" || true
	done
	if grep -q " $work" /proc/mounts; then
		echo "bare-check.sh: $work is still mounted; remove it by hand." >&2
	else
		rm -rf --one-file-system "$work"
	fi
}
trap clean_up EXIT
trap 'exit 3' INT TERM HUP

# mount_at PLACE ARGUMENT...
mount_at()
{
	local place=$root$1
	shift
	mkdir -p "$place"
	mount "$@" "$place"
	mounted+=("$place")
}

echo "Making a bare $suite in $root ..."
include=
case $mirror in https:*) include=--include=ca-certificates ;; esac
debootstrap --variant=minbase $include "$suite" "$root" "$mirror" >"$work/debootstrap.log" 2>&1 || {
	tail -n 5 "$work/debootstrap.log" >&2
	die "debootstrap failed."
}
# What belongs to reaching the mirror, not to the packages.
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
find /etc/apt/apt.conf.d -maxdepth 1 -type f -exec grep -lE '^ *(Acquire|APT::Sandbox)' {} + |
	while read -r file; do cp "$file" "$root/etc/apt/apt.conf.d/"; done || true
mount_at /proc -t proc proc
mount_at /dev --bind /dev
mount_at /tmp -t tmpfs tmpfs
git clone -q --no-hardlinks "$here" "$root/home/portcullis"

# on_bare COMMAND: as somebody would type it there
on_bare()
{
	echo "On the bare machine: $1"
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
		${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
		chroot "$root" /bin/sh -c "cd /home/portcullis && $1" </dev/null
}

for program in make python3 gcc; do
	[ ! -e "$root/usr/bin/$program" ] || die "this $suite is not bare: it has $program."
done
on_bare ./run.sh
on_bare "make check"
