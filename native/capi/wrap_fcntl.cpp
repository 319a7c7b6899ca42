// fcntl(F_SETFD): whether a port outlives exec is said of its number, and goes for the
// descriptors behind it as well (2.10.7). They would leak into the new program otherwise. A number more
// (F_DUPFD) says it for itself.
// Everything else is libc's.

#include "capi/errno.hpp"
#include "capi/wrap.hpp"
#include "core/registry.hpp"

#include <cstdarg>
#include <fcntl.h>

using namespace evp;
using namespace evp::capi;

// What follows the command is one word, whatever it is.
REAL(int, fcntl, int, int, void*);
#ifdef __GLIBC__ // elsewhere it is another spelling of fcntl
REAL(int, fcntl64, int, int, void*);
#endif

namespace {

template <class Real>
int control(Real& real, int fd, int command, void* argument) {
	Outcome outcome;
	int rc = outcome.libc(real(fd, command, argument));
	if (command == F_SETFD && rc == 0 && registry::concerns(fd)) [[unlikely]]
		registry::exec_flag_set(fd);
	if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && rc >= 0) registry::duplicated(fd, rc);
	return rc;
}

} // namespace

PUBLIC int WRAP(fcntl)(int fd, int command, ...) {
	va_list rest;
	va_start(rest, command);
	void* argument = va_arg(rest, void*);
	va_end(rest);
	return control(real_fcntl, fd, command, argument);
}

#ifdef __GLIBC__
PUBLIC int WRAP(fcntl64)(int fd, int command, ...) {
	va_list rest;
	va_start(rest, command);
	void* argument = va_arg(rest, void*);
	va_end(rest);
	return control(real_fcntl64, fd, command, argument);
}
#endif
