// timer_create and its companions in front of libc's: what is of a port is ours,
// everything else goes on untouched.

#include "capi/wrap.hpp"

#include <port_linux.h>

REAL(int, timer_create, clockid_t, struct sigevent*, timer_t*);
REAL(int, timer_delete, timer_t);
REAL(int, timer_settime, timer_t, int, const struct itimerspec*, struct itimerspec*);
REAL(int, timer_gettime, timer_t, struct itimerspec*);
REAL(int, timer_getoverrun, timer_t);

namespace {

// Bits 63 and 62 of an id: 01 marks ours (sources/timer_table.hpp).
bool ours(timer_t timer) { return reinterpret_cast<uintptr_t>(timer) >> 62 == 1; }

} // namespace

PUBLIC int WRAP(timer_create)(clockid_t clock, struct sigevent* event, timer_t* timer) {
	if (event && event->sigev_notify == SIGEV_PORT) return port_timer_create(clock, event, timer);
	return real_timer_create(clock, event, timer);
}

PUBLIC int WRAP(timer_delete)(timer_t timer) {
	if (ours(timer)) return port_timer_delete(timer);
	return real_timer_delete(timer);
}

PUBLIC int WRAP(timer_settime)(timer_t timer, int flags, const struct itimerspec* value,
                         struct itimerspec* old) {
	if (ours(timer)) return port_timer_settime(timer, flags, value, old);
	return real_timer_settime(timer, flags, value, old);
}

PUBLIC int WRAP(timer_gettime)(timer_t timer, struct itimerspec* value) {
	if (ours(timer)) return port_timer_gettime(timer, value);
	return real_timer_gettime(timer, value);
}

PUBLIC int WRAP(timer_getoverrun)(timer_t timer) {
	if (ours(timer)) return port_timer_getoverrun(timer);
	return real_timer_getoverrun(timer);
}
