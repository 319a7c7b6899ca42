// Which engine a process has, and why.

#include "core/registry.hpp"
#include "sources/aio_book.hpp"
#include "sys/memory.hpp"
#include "sys/process.hpp"

#include <cerrno>
#include <cstdio>

namespace evp {

namespace {

// A ring's pages count as locked by its user, where it may not lock as many as it likes (CAP_IPC_LOCK):
// before Linux 5.12, and again by 6.18. The book's lock is held.
const char* lack_of_memory() {
	static char text[192];
	char bytes[32] = "unlimited";
	if (uint64_t most = sys::lockable_memory(); most != UINT64_MAX)
		snprintf(bytes, sizeof bytes, "%llu bytes", static_cast<unsigned long long>(most));
	snprintf(text, sizeof text,
	         "there is too little memory for io_uring: the smallest ring asked for locks two pages, and "
	         "RLIMIT_MEMLOCK is %s for all that the user locks",
	         bytes);
	return text;
}

const char* reason_for(int error) {
	switch (error) {
	case ENOSYS: return "io_uring is not there: a seccomp filter hides it, or Linux is older than 5.1";
	case EPERM:
		return sys::uring_disabled() ? "io_uring is switched off by the sysctl kernel.io_uring_disabled"
		                             : "io_uring is refused by a seccomp filter or a security module";
	case EACCES: return "io_uring is refused by a security module";
	case ENOMEM: return lack_of_memory();
	case EOPNOTSUPP: return "io_uring lacks operations that are needed; Linux 5.7 has them";
	case ENOPKG: return "the library was built without liburing";
	case EMFILE:
	case ENFILE: return "no descriptor was left for io_uring";
	default: return "io_uring can't be set up";
	}
}

} // namespace

// The lock is held.
void AioBook::start_engine() {
	bool forced = sys::environment_is("EVENT_PORTS_AIO", "pool");
	Result<std::unique_ptr<AioEngine>> made = forced ? Error{ENOPKG} : make_uring_engine();
	aio::EngineInfo info{aio::EngineKind::URING, 0, "io_uring"};
	if (!made) {
		info = {aio::EngineKind::THREADS, forced ? 0 : made.error(),
		        forced ? "asked for by EVENT_PORTS_AIO=pool" : reason_for(made.error())};
		made = make_pool_engine();
	}
	if (!made) { // for want of descriptors: perhaps there is one the next time
		info_ = {aio::EngineKind::NONE, made.error(), "no descriptor was left for an engine"};
		return;
	}
	info_ = info;
	registry::note_internal((*made)->fd(), true);
	Source::kernel_works.store(true, std::memory_order_relaxed);
	engine_.store(made->release(), std::memory_order_release);
}

AioEngine* AioBook::engine(int* error) {
	if (AioEngine* engine = engine_.load(std::memory_order_acquire)) [[likely]]
		return engine;
	sys::PrivateLock::Guard guard(lock_);
	if (!engine_.load(std::memory_order_relaxed)) start_engine();
	AioEngine* engine = engine_.load(std::memory_order_relaxed);
	if (!engine && error) *error = info_.error;
	return engine;
}

aio::EngineInfo AioBook::info() {
	(void)engine();
	sys::PrivateLock::Guard guard(lock_);
	return info_;
}

// Its descriptor is closed now, or was behind our back.
void AioBook::lose(const AioEngine& engine) {
	int fd = engine.fd();
	registry::lost_internals(&fd, 1);
}

void AioBook::forget_engine(AioEngine& inherited) {
	lose(inherited);
	inherited.forget();
}

} // namespace evp
