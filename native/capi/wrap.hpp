// How a call of libc is wrapped: defined as WRAP(name), with libc's own reached as
// real_name. In libport.so the definition stands in front of libc's. In libport.a
// the linker's --wrap=name, which pkg-config and CMake bring, leads the program's
// calls here; a program linked without it is wrapped in nothing.
#pragma once

#define PUBLIC extern "C" __attribute__((visibility("default")))

#ifdef EVP_LINK_WRAP

#define WRAP(name) __wrap_##name
#define REAL(result, name, ...)                   \
	extern "C" result __real_##name(__VA_ARGS__); \
	static constexpr auto& real_##name = __real_##name

#else

#include <atomic>
#include <cerrno>
#include <dlfcn.h>

namespace evp::capi {

// libc's definition, looked up at its first use: no lock, no static to guard, so
// that a signal handler or a forked child may be the first.
template <class F>
class Next;

template <class Result, class... Arguments>
class Next<Result(Arguments...)> {
	using Call = Result(Arguments...);

public:
	constexpr explicit Next(const char* name) : name_(name) {}

	// Not inlined: what is not libc's passes by it without a frame.
	[[gnu::noinline]] Result operator()(Arguments... arguments) {
		Call* call = call_.load(std::memory_order_relaxed);
		if (!call) [[unlikely]] {
			call = find();
			call_.store(call, std::memory_order_relaxed);
		}
		if (call) return call(arguments...);
		errno = ENOSYS;
		return -1;
	}

private:
	// In glibc before 2.34 the timer calls are in librt, which a program that finds
	// them here has no reason to link.
	Call* find() const {
		if (void* found = dlsym(RTLD_NEXT, name_)) return reinterpret_cast<Call*>(found);
		void* librt = dlopen("librt.so.1", RTLD_LAZY | RTLD_LOCAL);
		return librt ? reinterpret_cast<Call*>(dlsym(librt, name_)) : nullptr;
	}

	const char* name_;
	std::atomic<Call*> call_{nullptr};
};

} // namespace evp::capi

#define WRAP(name) name
#define REAL(result, name, ...) \
	static constinit evp::capi::Next<result(__VA_ARGS__)> real_##name("" #name)

#endif
