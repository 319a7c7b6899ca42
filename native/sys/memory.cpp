#include "sys/memory.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace evp::sys {

Result<UniqueFd> memfd_sealed(size_t size) {
	constexpr unsigned BASE = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int raw = memfd_create("event-port", BASE | MFD_NOEXEC_SEAL);
	if (raw < 0 && errno == EINVAL) raw = memfd_create("event-port", BASE); // before Linux 6.3
	if (raw < 0) return Error{errno};
	UniqueFd fd(raw);
	// Beyond it ftruncate(2) would send SIGXFSZ.
	rlimit limit{};
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size) return Error{ENOMEM};
	if (ftruncate(raw, static_cast<off_t>(size)) != 0)
		return Error{errno == EFBIG || errno == EINVAL ? ENOMEM : errno};
	if (fcntl(raw, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return Error{errno};
	return fd;
}

size_t sealed_size(int fd) {
	constexpr int SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct stat file{};
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS) return 0;
	if (fstat(fd, &file) != 0 || file.st_size < 0) return 0;
	return static_cast<size_t>(file.st_size);
}

Result<void*> map_shared(int fd, size_t size) {
	void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED) return Error{errno};
	return base;
}

void unmap(void* base, size_t size) { munmap(base, size); }

Result<void> commit(int fd, size_t from, size_t to) {
	while (syscall(SYS_fallocate, fd, 0, static_cast<off_t>(from), static_cast<off_t>(to - from)) != 0)
		if (errno != EINTR) return Error{ENOMEM};
	return {};
}

Result<void*> map_private(size_t size, bool huge) {
	void* wide = mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (wide == MAP_FAILED) return Error{ENOMEM};
	auto from = reinterpret_cast<uintptr_t>(wide);
	uintptr_t base = (from + size - 1) & ~(size - 1);
	if (base != from) munmap(wide, base - from);
	if (base != from + size) munmap(reinterpret_cast<void*>(base + size), from + size - base);
	if (huge) madvise(reinterpret_cast<void*>(base), size, MADV_HUGEPAGE);
	return reinterpret_cast<void*>(base);
}

void* scratch_map(size_t size) {
	void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return base == MAP_FAILED ? nullptr : base;
}

void* keep(size_t size, size_t alignment) {
	if (void* mapped = scratch_map(size)) return mapped;
	// A page of the largest kind, and records for some dozens of threads. Not backed until it is touched.
	alignas(64) static char store[256 * 1024];
	static std::atomic<size_t> used{0};
	auto base = reinterpret_cast<uintptr_t>(store);
	size_t seen = used.load();
	size_t from;
	do {
		from = ((base + seen + alignment - 1) & ~(alignment - 1)) - base;
		if (from + size > sizeof store) return nullptr;
	} while (!used.compare_exchange_weak(seen, from + size));
	return store + from;
}

uint64_t lockable_memory() {
	rlimit limit{};
	bool known = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
	return known ? limit.rlim_cur : UINT64_MAX;
}

size_t page_size() {
	static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	return size;
}

} // namespace evp::sys
