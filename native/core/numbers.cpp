#include "core/numbers.hpp"

#include <new>

namespace evp::registry {

using detail::CHUNK;
using detail::Chunk;
using detail::CHUNKS;

namespace detail {
std::atomic<Chunk*> chunks[CHUNKS];
}

namespace {
std::atomic<uint32_t> highest_chunk{0};
}

Entry make_entry(int fd) {
	if (Entry entry = entry_of(fd)) return entry;
	uint32_t at = static_cast<uint32_t>(fd) / CHUNK;
	if (at >= CHUNKS) return {};
	auto* fresh = new (std::nothrow) Chunk();
	if (!fresh) return {};
	Chunk* expected = nullptr;
	if (!detail::chunks[at].compare_exchange_strong(expected, fresh)) delete fresh;
	uint32_t seen = highest_chunk.load();
	while (seen < at && !highest_chunk.compare_exchange_weak(seen, at)) {}
	return entry_of(fd);
}

void mark(int fd, uint8_t bits, bool on) {
	Entry entry = on ? make_entry(fd) : entry_of(fd);
	if (!entry) return;
	on ? entry.mark(bits) : entry.unmark(bits);
}

bool detail::note_first(int fd) { return make_entry(fd) && note_associated(fd); }

void note_internal(int fd, bool on) { mark(fd, INTERNAL, on); }

bool is_internal(int fd) {
	Entry entry = entry_of(fd);
	return entry && entry.marks() & INTERNAL;
}

void each_known(uint32_t first, uint32_t last, void (*seen)(int fd, bool internal, void*), void* data) {
	uint32_t end = highest_chunk.load() + 1;
	for (uint32_t c = first / CHUNK; c < end && c <= last / CHUNK && c < CHUNKS; c++) {
		Chunk* chunk = detail::chunks[c].load(std::memory_order_acquire);
		for (uint32_t i = 0; chunk && i < CHUNK; i++) {
			uint32_t fd = c * CHUNK + i;
			Entry entry{&chunk->ports[i], &chunk->marks[i]};
			uint8_t marks = entry.marks();
			if (fd >= first && fd <= last && (marks != 0 || entry.port->load() != nullptr))
				seen(static_cast<int>(fd), marks & INTERNAL, data);
		}
	}
}

} // namespace evp::registry
