// Cell<T>: the only way to touch a field of the shared region.
//
// A load copies the value once (a peer may scribble at any time: design rule
// 7); a plain assignment does not compile. In a build with EVP_KILLPOINTS every
// store is a numbered point at which a test may kill the process.
#pragma once
#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

#ifdef EVP_KILLPOINTS
extern "C" void evp_killpoint(const char* file, int line);
#define EVP_STORE_SITE                                                                             \
	, const char *file = __builtin_FILE(), int line = __builtin_LINE()
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(__PIC__)
// And listed, so that a test knows which there are: pairs of name and line.
#define EVP_KILLPOINT()                                                                            \
	asm volatile(".pushsection evp_points, \"aw\"\n\t.balign 8\n\t.quad %c0\n\t.quad %c1\n\t.popsection" \
	             :                                                                             \
	             : "i"(file), "i"(line));                                                      \
	evp_killpoint(file, line)
#define EVP_INLINE [[gnu::always_inline]]
#else
#define EVP_KILLPOINT() evp_killpoint(file, line)
#endif
#else
#define EVP_STORE_SITE
#define EVP_KILLPOINT() (void)0
#endif

#ifndef EVP_INLINE
#define EVP_INLINE
#endif

namespace evp::shm {

template <class T>
class Cell {
	static_assert(std::is_integral_v<T> || std::is_enum_v<T>);
	static_assert(std::atomic<T>::is_always_lock_free);

public:
	Cell() = delete; // lives in mapped memory only
	Cell(const Cell&) = delete;
	void operator=(const Cell&) = delete;
	void operator=(T) = delete;

	// Relaxed: the port's lock orders what it guards.
	T load() const { return value_.load(std::memory_order_relaxed); }
	T load_acquire() const { return value_.load(std::memory_order_acquire); }
	EVP_INLINE void store(T value EVP_STORE_SITE) {
		EVP_KILLPOINT();
		value_.store(value, std::memory_order_relaxed);
	}
	// Publishes what was stored before: the commit points of the region.
	EVP_INLINE void store_release(T value EVP_STORE_SITE) {
		EVP_KILLPOINT();
		value_.store(value, std::memory_order_release);
	}
	EVP_INLINE T exchange(T value EVP_STORE_SITE) {
		EVP_KILLPOINT();
		return value_.exchange(value, std::memory_order_acq_rel);
	}
	EVP_INLINE bool compare_exchange(T& expected, T value EVP_STORE_SITE) {
		EVP_KILLPOINT();
		return value_.compare_exchange_strong(expected, value, std::memory_order_acq_rel,
		                                      std::memory_order_acquire);
	}
	EVP_INLINE T fetch_add(T amount EVP_STORE_SITE) {
		EVP_KILLPOINT();
		return value_.fetch_add(amount, std::memory_order_acq_rel);
	}
	const std::atomic<T>* word() const { return &value_; } // for futex(2)

private:
	std::atomic<T> value_;
};

// A run of bytes with the same rules: copied in and out whole.
template <uint32_t SIZE>
class CellBytes {
public:
	CellBytes() = delete;
	CellBytes(const CellBytes&) = delete;
	void operator=(const CellBytes&) = delete;

	void load(void* to, uint32_t length) const {
		memcpy(to, bytes_, length < SIZE ? length : SIZE);
	}
	EVP_INLINE void store(const void* from, uint32_t length EVP_STORE_SITE) {
		EVP_KILLPOINT();
		memcpy(bytes_, from, length < SIZE ? length : SIZE);
	}

private:
	unsigned char bytes_[SIZE];
};

} // namespace evp::shm
