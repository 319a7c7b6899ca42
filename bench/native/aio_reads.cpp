// aio_reads - AIO1: random reads of 4 KiB from the page cache, against a bare io_uring, glibc's own aio and
// libuv; AIO2: the same from the disk.
//
// `port-list` starts what can be started together by one lio_listio, as the bare ring does; `port`
// makes each request by an aio_read of its own, as glibc's aio and libuv do.

#include "aio_load.hpp"
#include "harness.hpp"
#include "port_reads.hpp"
#include "syscalls.hpp"
#ifdef __GLIBC__
#include "peers/libc_reads.hpp"
#endif
#ifdef BENCH_LIBURING
#include "peers/uring_reads.hpp"
#endif
#ifdef BENCH_LIBUV
#include "peers/libuv_reads.hpp"
#endif

using namespace bench;

namespace {

// Figures and system calls per read of a contender that is one thread.
template <class Reader> Figures counted_reads(int fd, size_t depth, size_t count) {
	auto figures = reads<Reader>(fd, depth, count);
	constexpr size_t COUNTED = 2000;
	add_syscalls(figures, COUNTED, [=](void (*mark)()) {
		Reader reader(fd, depth);
		read_random(reader, depth, 4 * depth);
		mark();
		read_random(reader, depth, COUNTED);
		mark();
	});
	return figures;
}

void add_contenders(Race &race, const DataFile &file, bool direct, size_t depth, size_t count) {
	const std::string where = std::string("from=") + (direct ? "disk" : "cache") + " depth=" + std::to_string(depth);
	const auto fd = [&file, direct] { return direct ? file.direct() : file.cached(); };
	race.add(where, "port", [=] { return counted_reads<PortReads>(fd(), depth, count); });
	race.add(where, "port-list", [=] { return counted_reads<PortListReads>(fd(), depth, count); });
#ifdef BENCH_LIBURING
	race.add(where, "io_uring", [=] { return counted_reads<UringReads>(fd(), depth, count); });
#endif
#ifdef __GLIBC__
	race.add(where, "glibc", [=] { return reads<LibcReads>(fd(), depth, count); });
#endif
#ifdef BENCH_LIBUV
	race.add(where, "libuv", [=] { return reads<LibuvReads>(fd(), depth, count); });
#endif
}

} // namespace

int main(int argc, char **argv) {
	Race race("aio_reads", argc, argv);
	const DataFile file;
	for (const size_t depth : {1u, 8u, 32u, 128u})
		add_contenders(race, file, false, depth, race.quick() ? 20'000 : 100'000);
	add_contenders(race, file, true, 32, race.quick() ? 4'000 : 20'000);
	return race.run();
}
