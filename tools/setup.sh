#!/bin/sh
# Installs the ordinary tools that a group of work needs: setup.sh [--yes] GROUP...
#
# Groups: run (build and report), qemu, usb (the image of the stick), sign (for Secure Boot), ovmf (to boot the image in
# QEMU), check (host unit tests), fuzz, lint. Says nothing when all is there. Asks once
# where it talks to a person, goes ahead as root without a terminal, and where it can do neither prints the command.
# Exit status: 0 everything is there, 2 something is missing.
set -u

# group | what shows that it is there | apt | dnf | pacman
table='
run   | command make          | make               | make                | make
run   | command gcc           | gcc                | gcc                 | gcc
run   | command ld            | binutils           | binutils            | binutils
run   | header stdio.h        | libc6-dev          | glibc-devel         | glibc
run   | command nasm          | nasm               | nasm                | nasm
run   | command python3       | python3            | python3             | python
run   | newer tomllib tomli   | python3-tomli      | python3-tomli       | python-tomli
run   | module junit_xml      | python3-junit.xml  | python3-junit_xml   | python-junit-xml
qemu  | command qemu-system-x86_64 | qemu-system-x86 | qemu-system-x86-core | qemu-system-x86
usb   | command mformat       | mtools             | mtools              | mtools
usb   | header efi/efi.h      | gnu-efi            | gnu-efi-devel       | gnu-efi
usb   | font                  | psf-unifont        | kbd                 | kbd
sign  | command sbsign        | sbsigntool         | sbsigntools         | sbsigntools
ovmf  | file /usr/share/OVMF/OVMF_CODE_4M.fd | ovmf | edk2-ovmf          | edk2-ovmf
check | library libasan       | gcc                | libasan             | gcc-libs
check | library libubsan      | gcc                | libubsan            | gcc-libs
check | command iasl          | acpica-tools       | acpica-tools        | acpica
check | command git           | git                | git                 | git
fuzz  | command clang         | clang              | clang               | clang
fuzz  | fuzzer                | libclang-rt-dev    | compiler-rt         | compiler-rt
lint  | command clang         | clang              | clang               | clang
lint  | command shellcheck    | shellcheck         | ShellCheck          | shellcheck
'

# Whether any Python module of the names given can be loaded. The usual places are looked at first: starting Python
# costs more than everything else here.
have_module()
{
	for name in "$@"; do
		for place in /usr/lib/python3/dist-packages /usr/lib/python3.*; do
			[ -e "$place/$name" ] && return 0
		done
	done
	for name in "$@"; do
		python3 -c "import $name" 2>/dev/null && return 0
	done
	return 1
}

# A console font in one of the places that tools/font.py knows.
have_font()
{
	for file in /usr/share/consolefonts/*8x16*.psf* /usr/share/consolefonts/Uni2-Terminus16.psf.gz \
		/usr/lib/kbd/consolefonts/default8x16.psfu.gz /usr/share/kbd/consolefonts/default8x16.psfu.gz; do
		[ -e "$file" ] && return 0
	done
	return 1
}

# have KIND NAME...
have()
{
	kind=$1
	shift
	case $kind in
	command) command -v "$1" >/dev/null ;;
	file) [ -e "$1" ] ;;
	font) have_font ;;
	header) [ -e "/usr/include/$1" ] ;;
	library) command -v gcc >/dev/null && [ -e "$(gcc -print-file-name="$1.so")" ] ;;
	fuzzer) command -v clang >/dev/null && [ -e "$(clang -print-file-name=libclang_rt.fuzzer-x86_64.a)" ] ;;
	module) have_module "$@" ;;
	newer) ! command -v python3 >/dev/null || have_module "$@" ;; # a Python to come is taken to be new enough
	esac
}

# missing COLUMN GROUP...: package names, each once
missing()
{
	column=$1
	shift
	printf '%s\n' "$table" | while IFS='|' read -r group probe apt dnf pacman; do
		group=${group%% *}
		case " $* " in *" ${group:-none} "*) ;; *) continue ;; esac
		# shellcheck disable=SC2086 # words on purpose
		have $probe && continue
		case $column in apt) echo "$apt" ;; dnf) echo "$dnf" ;; pacman) echo "$pacman" ;; esac
	done | tr -d " \t" | sort -u | tr '\n' ' ' | sed 's/ $//'
}

yes=''
if [ "${1:-}" = --yes ]; then
	yes=1
	shift
fi
packages=$(missing apt "$@")
[ -z "$packages" ] && exit 0

as_root=''
if [ "$(id -u)" != 0 ]; then
	as_root=sudo
fi
install="apt-get install -y --no-install-recommends $packages"

# Without apt, or without a way to become root, only the user can do it.
give_up()
{
	echo "Missing: $packages. Please install, as root, by one of:"
	echo "  $install"
	echo "  dnf install -y $(missing dnf "$@")"
	echo "  pacman -S --needed $(missing pacman "$@")"
	exit 2
} >&2

command -v apt-get >/dev/null || give_up "$@"
[ -z "$as_root" ] || command -v sudo >/dev/null || give_up "$@"

if [ -z "$yes" ] && [ -t 0 ] && [ -t 1 ]; then
	printf 'Missing packages: %s\nInstall them (%s%s)? [Y/n] ' "$packages" "${as_root:+sudo }" "$install"
	read -r answer || answer=n
	case $answer in '' | [yY]*) ;; *) give_up "$@" ;; esac
elif [ -n "$as_root" ] && [ -z "$yes" ]; then
	give_up "$@"
fi

echo "Installing: $packages" >&2
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# The lists of a fresh machine are empty or old; then, and only then, they are read again.
# shellcheck disable=SC2086 # words on purpose
if ! $as_root $install >"$log" 2>&1 && ! { $as_root apt-get update && $as_root $install; } >"$log" 2>&1; then
	tail -n 5 "$log" >&2
	give_up "$@"
fi
# What came may need more (an older Python, another module), but only once.
before=$packages
packages=$(missing apt "$@")
[ "$packages" = "$before" ] && give_up "$@"
[ -z "$packages" ] || exec "$0" --yes "$@"
