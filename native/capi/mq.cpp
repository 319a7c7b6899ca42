// mq_notify and mq_close as <port_linux.h> has them, and port_dispatch.

#include "capi/errno.hpp"
#include "capi/trace.hpp"
#include "sources/dispatch.hpp"
#include "sources/mq.hpp"

#include <port_linux.h>

using namespace evp;
using namespace evp::capi;

#define PUBLIC extern "C" __attribute__((visibility("default")))

// Of wrap_mq.cpp; missing in a program that wraps nothing, whose names are libc's.
extern "C" __attribute__((weak, visibility("hidden"))) int event_ports_libc_mq_notify(
    mqd_t queue, const struct sigevent* event);
extern "C" __attribute__((weak, visibility("hidden"))) int event_ports_libc_mq_close(mqd_t queue);

namespace {

bool known(int notify) {
	return notify == SIGEV_PORT || notify == SIGEV_NONE || notify == SIGEV_SIGNAL || notify == SIGEV_THREAD;
}

} // namespace

PUBLIC int port_mq_notify(mqd_t queue, const struct sigevent* event) {
	if (trace::due("port_mq_notify")) [[unlikely]] return trace::told_mq_notify(queue, event);
	Outcome outcome;
	if (event && !known(event->sigev_notify)) return outcome.answer(mq::refuse(queue));
	if (!event || event->sigev_notify != SIGEV_PORT) {
		mq::Notify libc = event_ports_libc_mq_notify ? event_ports_libc_mq_notify : mq_notify;
		return outcome.answer(mq::pass_on(queue, event, libc));
	}
	auto* notify = static_cast<const port_notify_t*>(event->sigev_value.sival_ptr);
	if (!notify) return outcome.fail(EFAULT);
	auto user = reinterpret_cast<uintptr_t>(notify->portnfy_user);
	return outcome.answer(mq::watch(queue, notify->portnfy_port, user));
}

PUBLIC int port_mq_close(mqd_t queue) {
	Outcome outcome;
	if (!registry::before_close(queue)) return outcome.fail(EBADF); // a descriptor like any other: its associations end (4.13)
	int rc = outcome.answer(mq::close(queue, event_ports_libc_mq_close ? event_ports_libc_mq_close : mq_close));
	registry::after_close(queue);
	return rc;
}

PUBLIC int port_dispatch(int number, int flags, int source, int events, uintptr_t object, void* user) {
	if (trace::due("port_dispatch")) [[unlikely]] return trace::told_dispatch(number, flags, source, events, object, user);
	Outcome outcome;
	int error = 0;
	PortRef port = registry::find(number, &error);
	if (!port) return outcome.fail(error);
	if (source != PORT_SOURCE_AIO && source != PORT_SOURCE_MQ) return outcome.fail(EINVAL);
	return outcome.answer(dispatch::post(*port, number, static_cast<SourceKind>(source),
	                             flags & PORT_SHARE_EVENT, events, object,
	                             reinterpret_cast<uintptr_t>(user)));
}
