// libc's own asynchronous I/O, behind the names that are wrapped.
#pragma once
#include <aio.h>

namespace evp::capi {

// The list of lio_listio.
#ifdef __GLIBC__
using AioList = struct aiocb* const*;
#else // musl has one restrict more
using AioList = struct aiocb* __restrict const*;
#endif

struct LibcAio {
	int (*read)(struct aiocb* cb);
	int (*write)(struct aiocb* cb);
	int (*fsync)(int op, struct aiocb* cb);
	int (*cancel)(int fd, struct aiocb* cb);
	int (*suspend)(const struct aiocb* const list[], int count, const struct timespec* timeout);
	int (*listio)(int mode, AioList list, int count, struct sigevent* event);
};

const LibcAio& libc_aio();

} // namespace evp::capi

// Of wrap_aio.cpp; missing in a program that wraps nothing, whose names are libc's.
extern "C" __attribute__((weak, visibility("hidden"))) const evp::capi::LibcAio* event_ports_libc_aio();
