// aio_load.hpp - random reads of 4 KiB from one file, a given number of them always under way.
//
// A contender has start(slot, offset), submit() for what was started, and wait(done), which appends
// the slots whose reads are complete, one at least. CPU time is the whole process's: pools count.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "check.hpp"
#include "clocks.hpp"
#include "harness.hpp"

namespace bench {

constexpr size_t BLOCK = 4096;

// Of 64 MiB, in the page cache; unlinked.
class DataFile {
public:
	static constexpr size_t BLOCKS = 16384;

	DataFile() {
		char name[] = "/var/tmp/event-ports-bench-XXXXXX";
		cached_ = check(mkstemp(name), "mkstemp");
		direct_ = open(name, O_RDONLY | O_DIRECT | O_CLOEXEC);
		unlink(name);
		const std::vector<char> chunk(1 << 20, 'x');
		for (size_t i = 0; i < BLOCKS * BLOCK / chunk.size(); i++)
			check(write(cached_, chunk.data(), chunk.size()), "write");
		check(fsync(cached_), "fsync");
	}
	~DataFile() {
		close(cached_);
		if (direct_ >= 0)
			close(direct_);
	}
	DataFile(const DataFile &) = delete;

	int cached() const { return cached_; }
	int direct() const { return check(direct_, "open with O_DIRECT"); }

private:
	int cached_;
	int direct_;
};

// Memory for the reads under way, aligned as O_DIRECT wants it.
class Buffers {
public:
	explicit Buffers(size_t count) : memory_(aligned_alloc(BLOCK, count * BLOCK), free) {}
	void *at(size_t slot) const { return static_cast<char *>(memory_.get()) + slot * BLOCK; }

private:
	std::unique_ptr<void, void (*)(void *)> memory_;
};

inline void check_read(ssize_t result) {
	if (result != static_cast<ssize_t>(BLOCK))
		throw std::runtime_error("a read gave " + std::to_string(result));
}

template <class Reader> void read_random(Reader &reader, size_t depth, size_t count) {
	uint32_t random = 1;
	const auto offset = [&random] {
		random = random * 1664525 + 1013904223;
		return static_cast<off_t>((random >> 8) % DataFile::BLOCKS * BLOCK);
	};
	std::vector<size_t> done;
	size_t started = 0;
	for (; started < depth && started < count; started++)
		reader.start(started, offset());
	reader.submit();
	for (size_t finished = 0; finished < count; finished += done.size()) {
		done.clear();
		reader.wait(done);
		for (const size_t slot : done)
			if (started < count) {
				reader.start(slot, offset());
				started++;
			}
		reader.submit();
	}
}

template <class Reader> Figures reads(int fd, size_t depth, size_t count) {
	Reader reader(fd, depth);
	read_random(reader, depth, 4 * depth); // rings and threads are there, memory is touched
	const uint64_t wall = wall_ns();
	const uint64_t cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	read_random(reader, depth, count);
	const auto each = [count](uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(count); };
	return {{"cpu_ns", each(read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu)}, {"wall_ns", each(wall_ns() - wall)}};
}

} // namespace bench
