// aio_read and its companions in front of libc's: what is of a port is ours,
// everything else goes on untouched (aio.cpp). Programs compiled with 64-bit offsets
// call the second names.

#include "capi/libc_aio.hpp"
#include "capi/wrap.hpp"

#include <port_linux.h>

REAL(int, aio_read, struct aiocb*);
REAL(int, aio_write, struct aiocb*);
REAL(int, aio_fsync, int, struct aiocb*);
REAL(int, aio_cancel, int, struct aiocb*);
REAL(int, aio_suspend, const struct aiocb* const*, int, const struct timespec*);
REAL(int, lio_listio, int, evp::capi::AioList, int, struct sigevent*);

extern "C" const evp::capi::LibcAio* event_ports_libc_aio() {
	using List = const struct aiocb* const*;
	static constexpr evp::capi::LibcAio table = {
	    [](struct aiocb* cb) -> int { return real_aio_read(cb); },
	    [](struct aiocb* cb) -> int { return real_aio_write(cb); },
	    [](int op, struct aiocb* cb) -> int { return real_aio_fsync(op, cb); },
	    [](int fd, struct aiocb* cb) -> int { return real_aio_cancel(fd, cb); },
	    [](List list, int count, const struct timespec* timeout) -> int {
		    return real_aio_suspend(list, count, timeout);
	    },
	    [](int mode, evp::capi::AioList list, int count, struct sigevent* event) -> int {
		    return real_lio_listio(mode, list, count, event);
	    },
	};
	return &table;
}

PUBLIC int WRAP(aio_read)(struct aiocb* cb) { return port_aio_read(cb); }
PUBLIC int WRAP(aio_write)(struct aiocb* cb) { return port_aio_write(cb); }
PUBLIC int WRAP(aio_fsync)(int op, struct aiocb* cb) { return port_aio_fsync(op, cb); }
PUBLIC int WRAP(aio_error)(const struct aiocb* cb) { return port_aio_error(cb); }
PUBLIC ssize_t WRAP(aio_return)(struct aiocb* cb) { return port_aio_return(cb); }
PUBLIC int WRAP(aio_cancel)(int fd, struct aiocb* cb) { return port_aio_cancel(fd, cb); }
PUBLIC int WRAP(aio_suspend)(const struct aiocb* const list[], int count, const struct timespec* timeout) {
	return port_aio_suspend(list, count, timeout);
}
PUBLIC int WRAP(lio_listio)(int mode, evp::capi::AioList list, int count, struct sigevent* event) {
	return port_lio_listio(mode, const_cast<struct aiocb* const*>(list), count, event);
}

#ifdef __GLIBC__
static_assert(sizeof(struct aiocb) == sizeof(struct aiocb64));

namespace {
struct aiocb* same(struct aiocb64* cb) { return reinterpret_cast<struct aiocb*>(cb); }
const struct aiocb* same(const struct aiocb64* cb) { return reinterpret_cast<const struct aiocb*>(cb); }
} // namespace

PUBLIC int WRAP(aio_read64)(struct aiocb64* cb) { return port_aio_read(same(cb)); }
PUBLIC int WRAP(aio_write64)(struct aiocb64* cb) { return port_aio_write(same(cb)); }
PUBLIC int WRAP(aio_fsync64)(int op, struct aiocb64* cb) { return port_aio_fsync(op, same(cb)); }
PUBLIC int WRAP(aio_error64)(const struct aiocb64* cb) { return port_aio_error(same(cb)); }
PUBLIC ssize_t WRAP(aio_return64)(struct aiocb64* cb) { return port_aio_return(same(cb)); }
PUBLIC int WRAP(aio_cancel64)(int fd, struct aiocb64* cb) { return port_aio_cancel(fd, same(cb)); }
PUBLIC int WRAP(aio_suspend64)(const struct aiocb64* const list[], int count, const struct timespec* timeout) {
	return port_aio_suspend(reinterpret_cast<const struct aiocb* const*>(list), count, timeout);
}
PUBLIC int WRAP(lio_listio64)(int mode, struct aiocb64* const list[], int count, struct sigevent* event) {
	return port_lio_listio(mode, reinterpret_cast<struct aiocb* const*>(list), count, event);
}
#endif
