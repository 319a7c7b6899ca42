// Memory: shared between processes (a sealed memfd, committed lazily), and private.
#pragma once
#include "sys/fd.hpp"

#include <cstddef>
#include <cstdint>

namespace evp::sys {

// A memfd of `size` bytes, sealed against shrinking, growing and resealing. ENOMEM EMFILE.
Result<UniqueFd> memfd_sealed(size_t size);

// The size of a memfd with those seals, 0 if it is none.
size_t sealed_size(int fd);

// Maps it shared. ENOMEM.
Result<void*> map_shared(int fd, size_t size);
void unmap(void* base, size_t size);

// Backs [from, to) with pages now, so that a full host is ENOMEM here and not
// SIGBUS at the first store (hazard 19).
Result<void> commit(int fd, size_t from, size_t to);

// Private zeroed memory, backed when touched, at a multiple of its size (a power of
// two); in huge pages where the kernel gives them, if asked. ENOMEM.
Result<void*> map_private(size_t size, bool huge);

size_t page_size();
// Bytes that the user may lock (RLIMIT_MEMLOCK); UINT64_MAX: any number, or it can't be told.
uint64_t lockable_memory();

// Room for `count` values of T, gone with the object, straight from the kernel: also where
// a signal handler has interrupted malloc. Ends the process if there is none.
void* scratch_map(size_t size);
template <class T>
class Scratch {
public:
	explicit Scratch(size_t most) : most_(most), data_(static_cast<T*>(scratch_map(most * sizeof(T)))) {}
	Scratch(const Scratch&) = delete;
	~Scratch() { unmap(data_, most_ * sizeof(T)); }
	void push(const T& value) {
		if (count_ < most_) data_[count_++] = value;
	}
	T* begin() { return data_; }
	T* end() { return data_ + count_; }
	size_t size() const { return count_; }

private:
	size_t most_, count_ = 0;
	T* data_;
};

} // namespace evp::sys
