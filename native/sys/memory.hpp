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

// For `size` bytes that are kept for ever, zeroed, straight from the kernel: also where a signal
// handler has interrupted malloc. Where the kernel has none, from a store of the library's own, as
// long as that lasts; null then.
void* keep(size_t size, size_t alignment);

// The same for the time of a call; null where there is none. No room for 0 values.
template <class T>
class Scratch {
public:
	explicit Scratch(size_t most);
	Scratch(const Scratch&) = delete;
	~Scratch() {
		if (data_) unmap(data_, most_ * sizeof(T));
	}
	T* data() { return data_; }

private:
	size_t most_;
	T* data_;
};

void* scratch_map(size_t size);
template <class T>
Scratch<T>::Scratch(size_t most)
    : most_(most), data_(most != 0 ? static_cast<T*>(scratch_map(most * sizeof(T))) : nullptr) {}

} // namespace evp::sys
