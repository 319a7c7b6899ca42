// What aio.cpp and aio_list.cpp share: from aiocb to order.
#pragma once
#include "capi/aiocb.hpp"
#include "capi/errno.hpp"
#include "sources/aio.hpp"

#include <port_linux.h>

namespace evp::capi {

// `events` of an AIO event (1.12); <port.h> has them for programs.
inline int32_t code_of(sys::IoOp op) {
	switch (op) {
	case sys::IoOp::READ: return AIOAREAD;
	case sys::IoOp::WRITE: return AIOAWRITE;
	default: return AIOFSYNC;
	}
}

// Whether it is a request of ours in flight, by whatever it is to be notified of now.
bool busy(struct aiocb* cb);

// 0, or why there can be no such request (7.1): EINVAL, EBUSY.
int check_aiocb(struct aiocb* cb);

// The request without its notification.
void fill_order(aio::Order& order, struct aiocb* cb, sys::IoOp op);

// What a SIGEV_PORT sigevent points to. EINVAL: it names no port (7.2).
Result<PortRef> notified_port(const sigevent& event, uint64_t* user);

inline uint64_t user_of(const struct aiocb* cb) {
	auto* notify = static_cast<const port_notify_t*>(cb->aio_sigevent.sigev_value.sival_ptr);
	return reinterpret_cast<uintptr_t>(notify->portnfy_user);
}

// The one word <aio.h> has for what there is too little of: slots, descriptors, memory (7.2).
inline int as_aio(int error) {
	return error == ENOMEM || error == EMFILE || error == ENFILE ? EAGAIN : error;
}

// Submits one that reports to its own port. 0 or an errno.
int submit_one(struct aiocb* cb, sys::IoOp op);

inline bool reports_to_port(const struct aiocb* cb) {
	return cb && cb->aio_sigevent.sigev_notify == SIGEV_PORT;
}

} // namespace evp::capi
