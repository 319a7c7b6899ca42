// timer_create and its companions in front of libc's: what is of a port is ours,
// everything else goes on untouched.

#include <port_linux.h>

#include <cerrno>
#include <dlfcn.h>

#define PUBLIC extern "C" __attribute__((visibility("default")))

namespace {

// In glibc before 2.34 these are in librt, which a program that finds them here
// has no reason to link.
void* next_symbol(const char* name) {
	if (void* found = dlsym(RTLD_NEXT, name)) return found;
	void* librt = dlopen("librt.so.1", RTLD_LAZY | RTLD_LOCAL);
	return librt ? dlsym(librt, name) : nullptr;
}

template <class... Arguments>
int call_libc(int (*real)(Arguments...), Arguments... arguments) {
	if (real) return real(arguments...);
	errno = ENOSYS;
	return -1;
}

template <class F>
F* libc_call(const char* name) {
	return reinterpret_cast<F*>(next_symbol(name));
}

// Bits 63 and 62 of an id: 01 marks ours (sources/timer_table.hpp).
bool ours(timer_t timer) { return reinterpret_cast<uintptr_t>(timer) >> 62 == 1; }

} // namespace

PUBLIC int timer_create(clockid_t clock, struct sigevent* event, timer_t* timer) {
	if (event && event->sigev_notify == SIGEV_PORT) return port_timer_create(clock, event, timer);
	static auto* real = libc_call<int(clockid_t, struct sigevent*, timer_t*)>("timer_create");
	return call_libc(real, clock, event, timer);
}

PUBLIC int timer_delete(timer_t timer) {
	if (ours(timer)) return port_timer_delete(timer);
	static auto* real = libc_call<int(timer_t)>("timer_delete");
	return call_libc(real, timer);
}

PUBLIC int timer_settime(timer_t timer, int flags, const struct itimerspec* value,
                         struct itimerspec* old) {
	if (ours(timer)) return port_timer_settime(timer, flags, value, old);
	static auto* real =
	    libc_call<int(timer_t, int, const struct itimerspec*, struct itimerspec*)>("timer_settime");
	return call_libc(real, timer, flags, value, old);
}

PUBLIC int timer_gettime(timer_t timer, struct itimerspec* value) {
	if (ours(timer)) return port_timer_gettime(timer, value);
	static auto* real = libc_call<int(timer_t, struct itimerspec*)>("timer_gettime");
	return call_libc(real, timer, value);
}

PUBLIC int timer_getoverrun(timer_t timer) {
	if (ours(timer)) return port_timer_getoverrun(timer);
	static auto* real = libc_call<int(timer_t)>("timer_getoverrun");
	return call_libc(real, timer);
}
