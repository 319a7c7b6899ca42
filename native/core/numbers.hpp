// The registry's table: what each descriptor number of this process is.
//
// Entries are made in chunks and stay for ever, so readers take no lock and may be signal
// handlers. Marks lie apart from the ports' names: what every association looks at is a byte a
// number, so that ten thousand of them stay in the processor's cache.
// Fork: a child inherits the table as it is.
#pragma once
#include <atomic>
#include <cstdint>

namespace evp {

class Port;

namespace registry {

enum Mark : uint8_t {
	ASSOCIATED = 1,
	INTERNAL = 2,
	CLOSING = 4, // between before_close() and after_close(): names nothing any more
	NAMED = 8,   // a port's number once, and for ever said so: its name is worth a look
};

// Of one number; none for what can't be a number, or was never noted.
struct Entry {
	std::atomic<Port*>* port = nullptr;
	std::atomic<uint8_t>* mark_bits = nullptr;

	explicit operator bool() const { return port != nullptr; }
	// Those that say something by themselves.
	uint8_t marks(std::memory_order order = std::memory_order_relaxed) const {
		return static_cast<uint8_t>(mark_bits->load(order) & ~NAMED);
	}
	void mark(uint8_t bits) const { mark_bits->fetch_or(bits); }
	void unmark(uint8_t bits) const { mark_bits->fetch_and(static_cast<uint8_t>(~bits)); }
};

namespace detail {
inline constexpr uint32_t CHUNK = 1024;
inline constexpr uint32_t CHUNKS = 1u << 16; // 67 million descriptors
struct Chunk {
	std::atomic<uint8_t> marks[CHUNK];
	std::atomic<Port*> ports[CHUNK];
};
extern std::atomic<Chunk*> chunks[CHUNKS];
bool note_first(int fd);
} // namespace detail

inline Entry entry_of(int fd) {
	auto number = static_cast<uint32_t>(fd); // a negative one lies beyond all chunks
	if (number / detail::CHUNK >= detail::CHUNKS) return {};
	detail::Chunk* chunk = detail::chunks[number / detail::CHUNK].load(std::memory_order_acquire);
	if (!chunk) return {};
	return {&chunk->ports[number % detail::CHUNK], &chunk->marks[number % detail::CHUNK]};
}
Entry make_entry(int fd); // none: no memory, or it can't be a number

void mark(int fd, uint8_t bits, bool on);

// Marks a number as associated with some port of this process. True: it names a port itself.
inline bool note_associated(int fd) {
	Entry entry = entry_of(fd);
	if (!entry) return detail::note_first(fd);
	uint8_t marks = entry.mark_bits->load(std::memory_order_relaxed);
	if (!(marks & ASSOCIATED)) entry.mark(ASSOCIATED);
	return marks & NAMED && entry.port->load(std::memory_order_relaxed) != nullptr;
}

// Marks a descriptor as a source's own, which the program can't know.
void note_internal(int fd, bool on);
// Whether it is one.
bool is_internal(int fd);

// Calls `seen` for each number in [first, last] that is a port, associated, or a
// descriptor of our own.
void each_known(uint32_t first, uint32_t last, void (*seen)(int fd, bool internal, void* data),
                void* data);

} // namespace registry
} // namespace evp
