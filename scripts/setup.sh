#!/bin/sh
# Sets this checkout up on Debian or Ubuntu: system packages, npm packages, the build.
#   sh scripts/setup.sh         what building and the demo need
#   sh scripts/setup.sh test    what the tests need as well
#   sh scripts/setup.sh matrix  what trying a release needs as well (arm64, musl)
#   sh scripts/setup.sh bench   what the benches need as well, their peers included
# As root, or as a user with sudo. Packages that are there already are left alone.
set -eu
cd "$(dirname "$0")/.."

packages="g++ make python3 liburing-dev"
fail() {
	echo "setup: $*" >&2
	exit 1
}

case "${1:-}" in
	"") ;;
	test)
		packages="$packages cmake pkg-config curl wrk chromium spin clang"
		packages="$packages autoconf dpkg-dev meson musl-tools"
		packages="$packages libperl-dev libcanary-stability-perl libcommon-sense-perl"
		;;
	matrix) packages="$packages qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross musl" ;;
	bench) packages="$packages cmake pkg-config libevent-dev libuv1-dev" ;;
	*) fail "no such set of packages: $1" ;;
esac

command -v node >/dev/null || fail "Node.js 20.19 or later is needed, and no node is in PATH."
node scripts/check-node.cjs
command -v npm >/dev/null || fail "npm is needed, and none is in PATH."

as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo

# Installs those of the packages that are not there.
need() {
	missing=""
	for package in "$@"; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=absent
		[ "$state" = installed ] || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null || fail "please install (names of Debian's packages):$missing"
	[ -z "$as_root" ] || command -v sudo >/dev/null || fail "as root, please run: apt-get install$missing"
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update
	# shellcheck disable=SC2086 # a list of words
	$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install $missing
}

# shellcheck disable=SC2086 # a list of words
need $packages
# libFuzzer and the sanitizers of clang, whose package has its version in the name.
[ "${1:-}" != test ] || need "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"

npm ci
