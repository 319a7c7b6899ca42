// Sources of other libraries, as <port_linux.h> has them.

#include "capi/errno.hpp"
#include "sources/library.hpp"

#include <port_linux.h>

using namespace evp;
using namespace evp::capi;

#define PUBLIC extern "C" __attribute__((visibility("default")))

static_assert(PORT_SOURCE_LIBRARY == library::FIRST_NUMBER);

PUBLIC int port_source_open(int number, const port_source_ops_t* ops, void* arg, port_source_t* out) {
	Outcome outcome;
	int error = 0;
	PortRef port = registry::find(number, &error);
	if (!port) return outcome.fail(error);
	if (!ops || !out) return outcome.fail(EFAULT);
	if (ops->po_size != sizeof(port_source_ops_t)) return outcome.fail(EINVAL);
	if (ops->po_source < library::FIRST_NUMBER || ops->po_source > library::LAST_NUMBER) return outcome.fail(EINVAL);
	Result<uint64_t> opened = library::open(*port, ops->po_source, {ops->po_deliver, ops->po_close}, arg);
	if (!opened) return outcome.fail(opened.error());
	*out = *opened;
	return 0;
}

PUBLIC int port_source_close(port_source_t source) {
	Outcome outcome;
	return outcome.answer(library::close(source));
}

PUBLIC int port_slot_reserve(port_source_t source, int flags, uintptr_t object, void* user, void* arg,
                             port_slot_t* out) {
	Outcome outcome;
	if (!out) return outcome.fail(EFAULT);
	if ((flags & ~(PORT_SHARE_EVENT | PORT_SLOT_KEEP)) != 0) return outcome.fail(EINVAL);
	library::Reservation wanted{(flags & PORT_SHARE_EVENT) != 0, (flags & PORT_SLOT_KEEP) != 0, object,
	                            reinterpret_cast<uintptr_t>(user), arg};
	Result<uint64_t> reserved = library::reserve(source, wanted);
	if (!reserved) return outcome.fail(reserved.error());
	*out = *reserved;
	return 0;
}

PUBLIC int port_slot_post(port_slot_t slot, int events) {
	Outcome outcome;
	return outcome.answer(library::post(slot, events));
}

PUBLIC int port_slot_release(port_slot_t slot) {
	Outcome outcome;
	return outcome.answer(library::release(slot));
}
