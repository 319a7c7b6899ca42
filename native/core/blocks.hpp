// Blocks of a port: the bytes that messages carry (Port::post). All with the port's lock
// held. A chain that a peer scribbled on ends where it leaves the blocks.
#pragma once
#include "core/types.hpp"
#include "shm/region.hpp"

#include <cerrno>

namespace evp::blocks {

// A free block's index; 0 with *error ENOMEM (memory) or EAGAIN (none is left).
inline uint32_t take(shm::Region& region, int* error) {
	shm::Header& header = region.header();
	uint32_t index = header.block_free.load();
	if (index != 0 && index <= region.block_count()) {
		header.block_free.store(region.block(index).next.load());
		return index;
	}
	index = header.block_fresh.load();
	if (index == 0 || index > region.block_count()) {
		*error = EAGAIN;
		return 0;
	}
	if (!region.need_blocks(index + 1)) {
		*error = ENOMEM;
		return 0;
	}
	header.block_fresh.store(index + 1);
	return index;
}

inline void release(shm::Region& region, uint32_t index) { // 0: none
	if (index == 0 || index > region.block_count()) return;
	region.block(index).next.store(region.header().block_free.load());
	region.header().block_free.store(index);
}

} // namespace evp::blocks
