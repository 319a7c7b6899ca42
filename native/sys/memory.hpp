// Memory shared between processes: a sealed memfd, committed lazily.
#pragma once
#include "sys/fd.hpp"

#include <cstddef>

namespace evp::sys {

// A memfd of `size` bytes, sealed against shrinking, growing and resealing. ENOMEM EMFILE.
Result<UniqueFd> memfd_sealed(size_t size);

// Maps it shared. ENOMEM.
Result<void*> map_shared(int fd, size_t size);
void unmap(void* base, size_t size);

// Backs [from, to) with pages now, so that a full host is ENOMEM here and not
// SIGBUS at the first store (hazard 19).
Result<void> commit(int fd, size_t from, size_t to);

size_t page_size();

} // namespace evp::sys
