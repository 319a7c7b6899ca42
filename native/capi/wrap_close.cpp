// Calls that may end a descriptor which is a port or associated with one: illumos'
// kernel sees that (2.11, 4.13, 4.15). For any other descriptor the cost is a load
// or two. fclose, posix_spawn and raw system calls don't come through here; what
// is lost then, and found when, is in docs/interposition.md.

#include "capi/errno.hpp"
#include "capi/wrap.hpp"
#include "core/registry.hpp"
#include "sys/directory.hpp"
#include "sys/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

using namespace evp;
using namespace evp::capi;

REAL(int, close, int);
REAL(int, dup, int);
REAL(int, dup2, int, int);
REAL(int, dup3, int, int, int);

namespace {

// Every number in [first, last] that we know, and of these our own descriptors,
// which the program can't mean and must not lose while it holds a port.
void before_close_range(unsigned first, unsigned last) {
	auto close_one = [](int fd, bool internal, void*) {
		if (!internal) registry::before_close(fd);
	};
	registry::each_known(first, last, close_one, nullptr);
	if (registry::concerns_unknown()) [[unlikely]]
		sys::each_descriptor([&](int fd) {
			if (static_cast<unsigned>(fd) >= first && static_cast<unsigned>(fd) <= last) registry::before_close(fd);
		});
}

std::vector<unsigned> own_descriptors(unsigned first, unsigned last) {
	std::vector<unsigned> own;
	auto collect = [](int fd, bool internal, void* list) {
		if (internal) static_cast<std::vector<unsigned>*>(list)->push_back(static_cast<unsigned>(fd));
	};
	registry::each_known(first, last, collect, &own);
	if (!own.empty() && registry::borrowed_memory()) own.clear(); // copies, that the parent does not lose
	std::sort(own.begin(), own.end());
	return own;
}

int close_range_raw(unsigned first, unsigned last, unsigned flags) {
	return static_cast<int>(syscall(SYS_close_range, first, last, flags));
}

// Whether the kernel closes ranges, by one that holds nothing: before Linux 5.9 and under a filter that is
// older than the call it closes none, and then no port may lose its number.
bool ranges_are_closed() { return close_range_raw(~0u, ~0u, 0) == 0; }

// Whether a duplicate will take the place of what concerns us. Above a limit that was lowered since nothing
// is replaced, and nothing may be lost.
bool replaces(int from, int to) {
	if (from == to || !registry::concerns(to) || !sys::is_open(from)) return false;
	rlimit limit{};
	return getrlimit(RLIMIT_NOFILE, &limit) != 0 || static_cast<rlim_t>(to) < limit.rlim_cur;
}

} // namespace

PUBLIC int WRAP(close)(int fd) {
	Outcome outcome;
	if (!registry::before_close(fd)) return outcome.fail(EBADF);
	int rc = outcome.libc(real_close(fd));
	registry::after_close(fd);
	return rc;
}

// Ends nothing; but whether a port outlives exec is a matter of each of its numbers (2.10.7).
PUBLIC int WRAP(dup)(int from) {
	Outcome outcome;
	int rc = outcome.libc(real_dup(from));
	if (rc >= 0) registry::duplicated(from, rc);
	return rc;
}

PUBLIC int WRAP(dup2)(int from, int to) {
	Outcome outcome;
	if (replaces(from, to) && !registry::before_close(to)) return outcome.fail(EBUSY);
	int rc = outcome.libc(real_dup2(from, to));
	registry::after_close(to);
	if (rc >= 0 && from != to) registry::duplicated(from, to);
	if (rc >= 0) registry::number_replaced();
	return rc;
}

PUBLIC int WRAP(dup3)(int from, int to, int flags) {
	Outcome outcome;
	if ((flags & ~O_CLOEXEC) == 0 && replaces(from, to) && !registry::before_close(to)) return outcome.fail(EBUSY);
	int rc = outcome.libc(real_dup3(from, to, flags));
	registry::after_close(to);
	if (rc >= 0 && from != to) registry::duplicated(from, to);
	if (rc >= 0) registry::number_replaced();
	return rc;
}

PUBLIC int WRAP(close_range)(unsigned first, unsigned last, int flags) {
	constexpr int UNSHARE = 2; // other flags close nothing: CLOSE_RANGE_CLOEXEC, or refused
	Outcome outcome;
	if (first > last || flags & ~UNSHARE || !ranges_are_closed())
		return outcome.libc(close_range_raw(first, last, static_cast<unsigned>(flags)));
	before_close_range(first, last);
	unsigned from = first;
	for (unsigned own : own_descriptors(first, last)) {
		if (own > from && close_range_raw(from, own - 1, static_cast<unsigned>(flags)) != 0) return outcome.libc(-1);
		from = own + 1;
	}
	int rc = from > last ? 0 : outcome.libc(close_range_raw(from, last, static_cast<unsigned>(flags)));
	auto closed = [](int fd, bool, void*) { registry::after_close(fd); };
	registry::each_known(first, last, closed, nullptr);
	return rc;
}

PUBLIC void WRAP(closefrom)(int first) {
	Outcome outcome;
	unsigned from = first < 0 ? 0 : static_cast<unsigned>(first);
	auto close_one = [from](int fd) {
		if (static_cast<unsigned>(fd) >= from) WRAP(close)(fd);
	};
	// A limit of descriptors may be a thousand million.
	if (WRAP(close_range)(from, ~0u, 0) != 0 && !sys::each_descriptor(close_one)) {
		for (unsigned fd = from, end = static_cast<unsigned>(sysconf(_SC_OPEN_MAX)); fd < end; fd++)
			WRAP(close)(static_cast<int>(fd));
	}
}
