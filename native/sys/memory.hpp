// Memory: shared between processes (a sealed memfd, committed lazily), and private.
#pragma once
#include "sys/fd.hpp"

#include <cstddef>

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

} // namespace evp::sys
