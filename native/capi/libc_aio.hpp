// libc's own asynchronous I/O, behind the names that are wrapped.
#pragma once
#include <aio.h>

namespace evp::capi {

struct LibcAio {
	int (*read)(struct aiocb* cb);
	int (*write)(struct aiocb* cb);
	int (*fsync)(int op, struct aiocb* cb);
	int (*cancel)(int fd, struct aiocb* cb);
	int (*suspend)(const struct aiocb* const list[], int count, const struct timespec* timeout);
	int (*listio)(int mode, struct aiocb* const list[], int count, struct sigevent* event);
};

const LibcAio& libc_aio();

} // namespace evp::capi

// Of wrap_aio.cpp; missing in a program that wraps nothing, whose names are libc's.
extern "C" __attribute__((weak, visibility("hidden"))) const evp::capi::LibcAio* event_ports_libc_aio();
