// The calls of <aio.h> on single requests, for those that report to a port; all
// others go to libc. Results lie where libc keeps its own (aiocb.hpp).

#include "capi/aio_calls.hpp"
#include "capi/libc_aio.hpp"
#include "capi/trace.hpp"
#include "sys/fd.hpp"

#include <fcntl.h>

using namespace evp;
using namespace evp::capi;

#define PUBLIC extern "C" __attribute__((visibility("default")))

namespace evp::capi {

const LibcAio& libc_aio() {
	static constexpr LibcAio direct = {aio_read, aio_write, aio_fsync, aio_cancel, aio_suspend, lio_listio};
	return event_ports_libc_aio ? *event_ports_libc_aio() : direct;
}

bool busy(struct aiocb* cb) {
	if (capi::aiocb::load_error(cb) != EINPROGRESS) return false;
	// What the tag says may be anything: is there such a request, and is it this one's?
	return aio::in_flight(capi::aiocb::id(cb), cb);
}

int check_aiocb(struct aiocb* cb) {
	if (cb->aio_reqprio != 0) return EINVAL;
	if (capi::aiocb::load_error(cb) != EINPROGRESS) return 0;
	return capi::aiocb::id(cb) == capi::aiocb::LISTED || busy(cb) ? EBUSY : 0;
}

void fill_order(aio::Order& order, struct aiocb* cb, sys::IoOp op) {
	if (op <= sys::IoOp::WRITEV)
		order.io = {op, cb->aio_fildes, const_cast<void*>(cb->aio_buf), cb->aio_nbytes,
		            static_cast<uint64_t>(cb->aio_offset)};
	else
		order.io = {op, cb->aio_fildes, nullptr, 0, 0}; // aio_fsync looks at nothing else
	order.whole = op == sys::IoOp::WRITE;
	order.code = code_of(op);
	order.object = reinterpret_cast<uintptr_t>(cb);
	order.owner = cb;
	order.store = [](void* owner, int64_t result) {
		capi::aiocb::store_result(static_cast<struct aiocb*>(owner), result);
	};
	order.identify = [](void* owner, uint64_t id) { capi::aiocb::set_id(static_cast<struct aiocb*>(owner), id); };
}

Result<PortRef> notified_port(const sigevent& event, uint64_t* user) {
	auto* notify = static_cast<const port_notify_t*>(event.sigev_value.sival_ptr);
	if (!notify) return Error{EFAULT};
	int error = 0;
	PortRef port = registry::find(notify->portnfy_port, &error);
	if (!port) return Error{error == EBADF || error == EBADFD ? EINVAL : error};
	*user = reinterpret_cast<uintptr_t>(notify->portnfy_user);
	return port;
}

int submit_one(struct aiocb* cb, sys::IoOp op) {
	if (aio::in_handler()) return EAGAIN;
	if (int error = check_aiocb(cb); error != 0) return error;
	aio::Order order;
	fill_order(order, cb, op);
	Result<PortRef> port = notified_port(cb->aio_sigevent, &order.user);
	if (!port) return port.error();
	capi::aiocb::set_in_progress(cb);
	if (aio::submit(&**port, &order, 1) == 1) return 0;
	int error = as_aio(order.error);
	capi::aiocb::store_result(cb, -error);
	return error;
}

} // namespace evp::capi

namespace {

// No longer one of ours, whatever it was before.
template <class Call>
int to_libc(Outcome& outcome, struct aiocb* cb, Call call) {
	if (aio::in_handler()) return outcome.fail(EAGAIN);
	if (busy(cb)) return outcome.fail(EBUSY);
	capi::aiocb::set_id(cb, 0);
	return outcome.libc(call(cb));
}

// Reads the result, after a look at what has completed unseen.
int settled_error(struct aiocb* cb) {
	int error = capi::aiocb::load_error(cb);
	if (error != EINPROGRESS) return error;
	aio::reap();
	return capi::aiocb::load_error(cb);
}

} // namespace

PUBLIC int port_aio_read(struct aiocb* cb) {
	if (trace::due("port_aio_read")) [[unlikely]] return trace::told_aio_read(cb);
	Outcome outcome;
	if (!cb) return outcome.fail(EINVAL);
	if (!reports_to_port(cb)) return to_libc(outcome, cb, libc_aio().read);
	int error = submit_one(cb, sys::IoOp::READ);
	return error == 0 ? 0 : outcome.fail(error);
}

PUBLIC int port_aio_write(struct aiocb* cb) {
	if (trace::due("port_aio_write")) [[unlikely]] return trace::told_aio_write(cb);
	Outcome outcome;
	if (!cb) return outcome.fail(EINVAL);
	if (!reports_to_port(cb)) return to_libc(outcome, cb, libc_aio().write);
	int error = submit_one(cb, sys::IoOp::WRITE);
	return error == 0 ? 0 : outcome.fail(error);
}

PUBLIC int port_aio_fsync(int op, struct aiocb* cb) {
	if (trace::due("port_aio_fsync")) [[unlikely]] return trace::told_aio_fsync(op, cb);
	Outcome outcome;
	if (!cb) return outcome.fail(EINVAL);
	if (!reports_to_port(cb))
		return to_libc(outcome, cb, [op](struct aiocb* of) { return libc_aio().fsync(op, of); });
	if (op != O_SYNC && op != O_DSYNC) return outcome.fail(EINVAL);
	if (!sys::is_open(cb->aio_fildes)) return outcome.fail(EBADF);
	int error = submit_one(cb, op == O_SYNC ? sys::IoOp::FSYNC : sys::IoOp::FDATASYNC);
	return error == 0 ? 0 : outcome.fail(error);
}

PUBLIC int port_aio_error(const struct aiocb* given) {
	Outcome outcome;
	if (!given) return outcome.fail(EINVAL);
	auto* cb = const_cast<struct aiocb*>(given);
	return capi::aiocb::id(cb) == capi::aiocb::RETURNED ? EINVAL : settled_error(cb);
}

PUBLIC ssize_t port_aio_return(struct aiocb* cb) {
	Outcome outcome;
	if (!cb || capi::aiocb::id(cb) == capi::aiocb::RETURNED) return outcome.fail(EINVAL);
	int error = settled_error(cb);
	if (error == EINPROGRESS) return outcome.fail(EINPROGRESS);
	capi::aiocb::set_id(cb, capi::aiocb::RETURNED);
	if (error != 0) outcome.fail(error);
	return capi::aiocb::value(cb);
}

PUBLIC int port_aio_cancel(int fd, struct aiocb* cb) {
	if (trace::due("port_aio_cancel")) [[unlikely]] return trace::told_aio_cancel(fd, cb);
	Outcome outcome;
	if (!sys::is_open(fd)) return outcome.fail(EBADF);
	if (cb && cb->aio_fildes != fd) return outcome.fail(EINVAL);
	if (aio::in_handler()) return outcome.fail(EAGAIN);
	aio::Cancelled ours = cb ? aio::cancel(capi::aiocb::id(cb), cb) : aio::cancel_descriptor(fd);
	auto answer_for = [](aio::Cancelled cancelled) {
		return cancelled == aio::Cancelled::CANCELED       ? AIO_CANCELED
		       : cancelled == aio::Cancelled::NOT_CANCELED ? AIO_NOTCANCELED
		                                                   : AIO_ALLDONE;
	};
	// One of a list that is told of to nobody is ours as well, and libc knows nothing of it.
	if (cb && (reports_to_port(cb) || ours != aio::Cancelled::ALL_DONE)) return answer_for(ours);
	int libc = outcome.libc(libc_aio().cancel(fd, cb));
	// Both may have some of this descriptor: what is not cancelled has the say.
	if (libc < 0 || libc == AIO_NOTCANCELED || ours == aio::Cancelled::ALL_DONE) return libc;
	return ours == aio::Cancelled::CANCELED || libc == AIO_ALLDONE ? answer_for(ours) : AIO_NOTCANCELED;
}

PUBLIC int port_aio_suspend(const struct aiocb* const list[], int count, const struct timespec* timeout) {
	Outcome outcome;
	if (count < 0) return outcome.fail(EINVAL);
	bool refused = aio::in_handler(); // nothing waits there, or tells whose a request is
	bool ours = false, theirs = false;
	for (int i = 0; i < count; i++) {
		if (!list[i]) continue;
		auto* cb = const_cast<struct aiocb*>(list[i]);
		if (settled_error(cb) != EINPROGRESS) return 0;
		if (!refused) (aio::in_flight(capi::aiocb::id(cb), cb) ? ours : theirs) = true;
	}
	if (refused) return outcome.fail(EAGAIN);
	if (!ours) return outcome.libc(libc_aio().suspend(list, count, timeout));
	Deadline deadline;
	if (!read_timeout(timeout, &deadline)) return outcome.fail(EINVAL);
	struct Given { // no copy: a handler may call this over malloc
		const struct aiocb* const* list;
		int count;
	} given{list, count};
	auto any_done = [](void* data) {
		auto& [of, size] = *static_cast<Given*>(data);
		for (int i = 0; i < size; i++)
			if (of[i] && capi::aiocb::load_error(const_cast<struct aiocb*>(of[i])) != EINPROGRESS) return true;
		return false;
	};
	if (!theirs) {
		int rc = aio::wait_until(any_done, &given, deadline);
		return rc == 0 ? 0 : outcome.fail(rc == ETIMEDOUT ? EAGAIN : rc);
	}
	// Two kinds, which nothing can wait for at once: in turns.
	for (;;) {
		constexpr int64_t TURN = 5'000'000;
		Deadline turn = Deadline::after(TURN);
		bool last = deadline.at <= turn.at;
		int rc = aio::wait_until(any_done, &given, last ? deadline : turn);
		if (rc == 0) return 0;
		if (rc != ETIMEDOUT || last) return outcome.fail(rc == ETIMEDOUT ? EAGAIN : rc);
	}
}
