// The parts of a struct aiocb that the C library keeps for itself: a request of ours
// stores its result there as libc's own would, so that either's aio_error reads both.
//
// A program need not clear what it hands in, so a tag proves nothing: it is compared
// with the request it names.
#pragma once
#include <aio.h>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <type_traits>

namespace evp::capi::aiocb {

#ifdef __GLIBC__
inline int& error(struct aiocb* cb) { return cb->__error_code; }
inline auto& value(struct aiocb* cb) { return cb->__return_value; }
inline auto& tag(struct aiocb* cb) { return cb->__next_prio; }
#else // musl
inline int& error(struct aiocb* cb) { return const_cast<int&>(cb->__err); }
inline auto& value(struct aiocb* cb) { return cb->__ret; }
inline auto& tag(struct aiocb* cb) { return cb->__td; }
#endif

constexpr uint64_t RETURNED = ~0ull; // aio_return was called: there is no result any more
constexpr uint64_t LISTED = ~0ull - 1; // of a list that is being submitted: it has no request yet

inline uint64_t id(struct aiocb* cb) { return reinterpret_cast<uintptr_t>(tag(cb)); }
inline void set_id(struct aiocb* cb, uint64_t id) {
	using Tag = std::remove_reference_t<decltype(tag(cb))>;
	tag(cb) = reinterpret_cast<Tag>(id);
}

// musl marks an error that a thread waits for by the highest bit.
inline int load_error(struct aiocb* cb) { return __atomic_load_n(&error(cb), __ATOMIC_ACQUIRE) & INT_MAX; }

// 0 or more, or -errno. The error last: whoever sees it sees the value.
inline void store_result(struct aiocb* cb, int64_t result) {
	value(cb) = result < 0 ? -1 : result;
	__atomic_store_n(&error(cb), result < 0 ? static_cast<int>(-result) : 0, __ATOMIC_RELEASE);
}
inline void set_in_progress(struct aiocb* cb) {
	value(cb) = -1;
	__atomic_store_n(&error(cb), EINPROGRESS, __ATOMIC_RELEASE);
}

} // namespace evp::capi::aiocb
