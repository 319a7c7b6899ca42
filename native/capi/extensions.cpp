// The calls of <port_linux.h>.

#include "capi/errno.hpp"
#include "capi/trace.hpp"
#include "core/ticket.hpp"
#include "sources/aio.hpp"
#include "sys/fd.hpp"

#include <port_linux.h>

#include <cstddef>
#include <cstring>

using namespace evp;
using namespace evp::capi;

static_assert(sizeof(Association) == sizeof(port_assoc_t));
static_assert(offsetof(Association, object) == offsetof(port_assoc_t, pa_object));
static_assert(offsetof(Association, user) == offsetof(port_assoc_t, pa_user));
static_assert(offsetof(Association, events) == offsetof(port_assoc_t, pa_events));
static_assert(offsetof(Association, error) == offsetof(port_assoc_t, pa_error));

#define PUBLIC extern "C" __attribute__((visibility("default")))

PUBLIC int port_close(int number) {
	if (trace::due("port_close")) [[unlikely]] return trace::told_close(number);
	Outcome outcome;
	return outcome.answer(registry::close_number(number));
}

PUBLIC int port_fd_close(int fd) {
	if (trace::due("port_fd_close")) [[unlikely]] return trace::told_fd_close(fd);
	Outcome outcome;
	if (!sys::is_open(fd) || !registry::before_close(fd)) return outcome.fail(EBADF);
	registry::after_close(fd);
	return 0;
}

PUBLIC int port_ticket(int number) {
	if (trace::due("port_ticket")) [[unlikely]] return trace::told_ticket(number);
	Outcome outcome;
	int error = 0;
	PortRef port = registry::find(number, &error);
	if (!port) return outcome.fail(error);
	Result<int> made = ticket::make(*port, number);
	return made ? *made : outcome.fail(made.error());
}

PUBLIC int port_attach(int ticket) {
	if (trace::due("port_attach")) [[unlikely]] return trace::told_attach(ticket);
	Outcome outcome;
	Result<int> number = ticket::redeem(ticket, false);
	return number ? *number : outcome.fail(number.error());
}

PUBLIC int port_create_limit(unsigned limit, int cloexec) {
	if (trace::due("port_create_limit")) [[unlikely]] return trace::told_create_limit(limit, cloexec);
	Outcome outcome;
	Result<int> number = registry::create({limit, cloexec != 0});
	return number ? *number : outcome.fail(number.error());
}

PUBLIC int port_associate_list(int number, port_assoc_t list[], unsigned count) {
	if (trace::due("port_associate_list")) [[unlikely]] return trace::told_associate_list(number, list, count);
	Outcome outcome;
	int error = 0;
	PortRef port = registry::find(number, &error);
	if (!port) return outcome.fail(error);
	if (!list && count != 0) return outcome.fail(EFAULT);
	auto* items = reinterpret_cast<Association*>(list);
	return static_cast<int>(port->associate_list(SourceKind::FD, items, count));
}

PUBLIC int port_getinfo(int number, port_info_t* out) {
	Outcome outcome;
	int error = 0;
	PortRef port = registry::find(number, &error);
	if (!port) return outcome.fail(error);
	if (!out) return outcome.fail(EFAULT);
	if (out->pi_size != sizeof(port_info_t)) return outcome.fail(EINVAL);
	PortInfo info = port->info();
	out->pi_limit = info.limit;
	out->pi_slots = info.slots;
	out->pi_queued = info.queued;
	out->pi_waiters = info.waiters;
	out->pi_members = info.members;
	out->pi_ports = registry::port_count();
	out->pi_alert = static_cast<uint32_t>(info.alert);
	memcpy(out->pi_delivered, info.delivered, sizeof info.delivered);
	out->pi_wakeups = info.wakeups;
	out->pi_uid = info.uid;
	out->pi_gid = info.gid;
	out->pi_created.tv_sec = static_cast<time_t>(info.created_ns / 1'000'000'000);
	out->pi_created.tv_nsec = static_cast<long>(info.created_ns % 1'000'000'000);
	return 0;
}

PUBLIC int port_capabilities(port_capabilities_t* out) {
	Outcome outcome;
	if (!out) return outcome.fail(EFAULT);
	if (out->pc_size != sizeof(port_capabilities_t)) return outcome.fail(EINVAL);
	aio::EngineInfo engine = aio::engine();
	out->pc_aio_engine = static_cast<uint32_t>(engine.kind);
	out->pc_aio_errno = engine.error;
	out->pc_pad = 0;
	out->pc_aio_reason = engine.reason;
	return 0;
}

PUBLIC int port_isport(int fd) {
	Outcome outcome;
	int error = 0;
	return static_cast<bool>(registry::find(fd, &error));
}
