// peers/libc_reads.hpp - the C library's own aio_read and aio_suspend, past the names that libport
// wraps.
#pragma once

#include <aio.h>
#include <dlfcn.h>

#include "../aio_load.hpp"

namespace bench {

class LibcReads {
public:
	LibcReads(int fd, size_t depth) : fd_(fd), buffers_(depth), requests_(depth), waiting_(depth) {}

	void start(size_t slot, off_t offset) {
		struct aiocb &cb = requests_[slot];
		cb.aio_fildes = fd_;
		cb.aio_buf = buffers_.at(slot);
		cb.aio_nbytes = BLOCK;
		cb.aio_offset = offset;
		cb.aio_sigevent.sigev_notify = SIGEV_NONE;
		check(read_(&cb), "aio_read");
		waiting_[slot] = &cb;
	}
	void submit() {}
	void wait(std::vector<size_t> &done) {
		check(suspend_(waiting_.data(), static_cast<int>(waiting_.size()), nullptr), "aio_suspend");
		for (size_t slot = 0; slot < waiting_.size(); slot++) {
			if (!waiting_[slot] || error_(waiting_[slot]) == EINPROGRESS)
				continue;
			check_read(return_(&requests_[slot]));
			waiting_[slot] = nullptr;
			done.push_back(slot);
		}
	}

private:
	template <class Call> static Call *of_libc(const char *name) {
		static void *const libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
		void *found = libc ? dlsym(libc, name) : nullptr;
		if (!found)
			throw std::runtime_error(std::string("no ") + name + " in libc");
		return reinterpret_cast<Call *>(found);
	}

	decltype(aio_read) *read_ = of_libc<decltype(aio_read)>("aio_read");
	decltype(aio_suspend) *suspend_ = of_libc<decltype(aio_suspend)>("aio_suspend");
	decltype(aio_error) *error_ = of_libc<decltype(aio_error)>("aio_error");
	decltype(aio_return) *return_ = of_libc<decltype(aio_return)>("aio_return");
	int fd_;
	Buffers buffers_;
	std::vector<struct aiocb> requests_;
	std::vector<const struct aiocb *> waiting_;
};

} // namespace bench
