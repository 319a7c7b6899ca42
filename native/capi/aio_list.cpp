// lio_listio (7.11, 7.12) for lists that have to do with a port: some entry reports to
// one, or the list itself does. Entries for libc go to libc in a list of their own, at
// whose end it calls us by a thread. A list that tells its end by a signal or a function
// has a thread of ours until then, as it would have one of libc: who waits for a signal
// makes no call that would take completions.

#include "capi/aio_calls.hpp"
#include "capi/libc_aio.hpp"
#include "capi/trace.hpp"
#include "sys/no_memory.hpp"
#include "sys/worker.hpp"

#include <atomic>
#include <new>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

using namespace evp;
using namespace evp::capi;

#define PUBLIC extern "C" __attribute__((visibility("default")))

namespace {

// What the list's own sigevent asks for when it is no port: libc's part, done by us.
struct List : AioGroup {
	List();
	sigevent asked{};
	std::atomic<int> holders{1}; // the group, and the thread that takes its completions
	std::atomic<bool> watched{false}; // that thread tells of the end
	std::atomic<bool> told{false};

	void tell();
	void drop() {
		if (holders.fetch_sub(1) == 1) delete this;
	}
};

void raise_signal(const sigevent& event) {
	siginfo_t info{};
	info.si_signo = event.sigev_signo;
	info.si_code = SI_ASYNCIO;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value = event.sigev_value;
	syscall(SYS_rt_sigqueueinfo, info.si_pid, event.sigev_signo, &info);
}

void* call_function(void* given) {
	List* list = static_cast<List*>(given);
	sigevent event = list->asked;
	list->drop();
	sigset_t none; // as libc's
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, nullptr);
	event.sigev_notify_function(event.sigev_value);
	return nullptr;
}

void List::tell() {
	if (told.exchange(true)) return;
	if (asked.sigev_notify == SIGEV_SIGNAL) raise_signal(asked);
	if (asked.sigev_notify == SIGEV_THREAD) {
		auto* attributes = static_cast<pthread_attr_t*>(asked.sigev_notify_attributes);
		pthread_t thread;
		holders.fetch_add(1);
		if (pthread_create(&thread, attributes, call_function, this) == 0)
			pthread_detach(thread);
		else
			drop();
	}
}

void notify(AioGroup& group) {
	auto* list = static_cast<List*>(&group);
	if (!list->watched.load()) list->tell();
	list->drop();
}

void take_completions(void* given) {
	auto* list = static_cast<List*>(given);
	auto ended = [](void* group) { return aio::ended(*static_cast<List*>(group)); };
	if (aio::wait_until(ended, list, Deadline::never()) != 0) list->watched.store(false); // no descriptor
	if (aio::ended(*list)) list->tell();
	list->drop();
}

// False: no thread.
bool watch(List& list) {
	if (list.asked.sigev_notify != SIGEV_SIGNAL && list.asked.sigev_notify != SIGEV_THREAD) return true;
	(void)aio::engine(); // what the thread waits for
	list.watched.store(true);
	list.holders.fetch_add(1);
	if (sys::start_worker(take_completions, &list)) return true;
	list.holders.fetch_sub(1);
	return false;
}

List::List() {
	finished = notify;
	asked.sigev_notify = SIGEV_NONE;
}

bool entry(const struct aiocb* cb) { return cb && cb->aio_lio_opcode != LIO_NOP; }

// Whether it is carried out by us: what asks for no notification is as well.
bool ours(const struct aiocb* cb) {
	return entry(cb) && (reports_to_port(cb) || cb->aio_sigevent.sigev_notify == SIGEV_NONE);
}

// What libc tells the end of its entries by. musl reads it when they have ended, not
// when they are submitted: it lives until then.
struct LibcPart {
	sigevent done{};
	AioGroup& list;

	explicit LibcPart(AioGroup& group) : list(group) {
		done.sigev_notify = SIGEV_THREAD;
		done.sigev_value.sival_ptr = this;
		done.sigev_notify_function = [](sigval value) { static_cast<LibcPart*>(value.sival_ptr)->end(); };
	}
	void end() {
		aio::end_group(list);
		delete this;
	}
};

// A list of libc's own entries; it leaves the group when all are done. False: refused.
bool submit_to_libc(std::vector<struct aiocb*>& entries, AioGroup& list) {
	auto* part = new (std::nothrow) LibcPart(list);
	if (!part) return false;
	aio::join_group(list);
	for (struct aiocb* cb : entries) capi::aiocb::set_id(cb, 0);
	int count = static_cast<int>(entries.size());
	if (libc_aio().listio(LIO_NOWAIT, entries.data(), count, &part->done) == 0) return true;
	part->end();
	return false;
}

// What entries of one run have in common: the port they report to, or none.
int64_t run_of(const struct aiocb* cb) {
	constexpr int64_t NONE = INT64_MAX, UNREADABLE = INT64_MIN;
	if (!reports_to_port(cb)) return NONE;
	auto* notify = static_cast<const port_notify_t*>(cb->aio_sigevent.sigev_value.sival_ptr);
	return notify ? notify->portnfy_port : UNREADABLE;
}

// Those of ours in the list, which report to one port, or to none. False: some were
// refused; aio_error says why.
bool submit_run(struct aiocb* const list[], int count, std::vector<aio::Order>& orders, Port* fallback,
                AioGroup* group) {
	uint64_t user = 0;
	bool ported = reports_to_port(list[0]);
	Result<PortRef> port = ported ? notified_port(list[0]->aio_sigevent, &user) : Error{EINVAL};
	bool all = true;
	orders.clear();
	for (int i = 0; i < count; i++) {
		struct aiocb* cb = list[i];
		if (!ours(cb)) continue;
		int error = check_aiocb(cb);
		if (error == 0 && cb->aio_lio_opcode != LIO_READ && cb->aio_lio_opcode != LIO_WRITE) error = EINVAL;
		if (error == 0 && ported) error = port.error();
		all &= error == 0;
		if (error == 0) {
			aio::Order& order = orders.emplace_back();
			fill_order(order, cb, cb->aio_lio_opcode == LIO_READ ? sys::IoOp::READ : sys::IoOp::WRITE);
			order.notify = ported;
			if (ported) order.user = user_of(cb);
			capi::aiocb::set_id(cb, capi::aiocb::LISTED);
			capi::aiocb::set_in_progress(cb);
		} else if (error != EBUSY) { // else the result is the other request's to store
			capi::aiocb::set_id(cb, capi::aiocb::LISTED); // it may have returned an earlier one
			capi::aiocb::store_result(cb, -error);
		}
	}
	auto size = static_cast<uint32_t>(orders.size());
	if (aio::submit(port ? &**port : fallback, orders.data(), size, group) == size) return all;
	for (aio::Order& order : orders) {
		if (order.error == 0) continue;
		capi::aiocb::store_result(static_cast<struct aiocb*>(order.owner), -as_aio(order.error));
	}
	return false;
}

bool submit_ours(struct aiocb* const list[], int count, std::vector<aio::Order>& orders, Port* fallback,
                 AioGroup* group) {
	bool all = true;
	for (int from = 0, to; from < count; from = to) {
		to = from + 1;
		if (!ours(list[from])) continue;
		int64_t run = run_of(list[from]);
		while (to < count && (!ours(list[to]) || run_of(list[to]) == run)) to++;
		all &= submit_run(list + from, to - from, orders, fallback, group);
	}
	return all;
}

// One that is in flight already: then nothing of the list is submitted, and LIO_WAIT waits for
// no request but its own.
bool any_busy(struct aiocb* const list[], int count) {
	for (int i = 0; i < count; i++)
		if (list[i] && busy(list[i])) return true;
	return false;
}

// Room for as many, before anything is submitted. False: no memory.
template <class T>
bool make_room(std::vector<T>& of, int count) {
	return static_cast<bool>(sys::or_no_memory([&]() -> Result<void> {
		of.reserve(static_cast<size_t>(count));
		return {};
	}));
}

struct Whole {
	struct aiocb* const* list;
	int count;

	static bool done(void* data) {
		auto& self = *static_cast<Whole*>(data);
		for (int i = 0; i < self.count; i++)
			if (entry(self.list[i]) && capi::aiocb::load_error(self.list[i]) == EINPROGRESS) return false;
		return true;
	}
	bool succeeded() const {
		bool all = true;
		for (int i = 0; i < count; i++) all &= !entry(list[i]) || capi::aiocb::load_error(list[i]) == 0;
		return all;
	}
};

} // namespace

PUBLIC int port_lio_listio(int mode, struct aiocb* const list[], int count, struct sigevent* event) {
	if (trace::due("port_lio_listio")) [[unlikely]] return trace::told_lio_listio(mode, list, count, event);
	Outcome outcome;
	bool ported = event && event->sigev_notify == SIGEV_PORT && mode == LIO_NOWAIT;
	bool any = ported;
	for (int i = 0; i < count && list && !any; i++) any = entry(list[i]) && reports_to_port(list[i]);
	if (count < 0 || (count == 0 && ported)) return outcome.fail(EINVAL); // libc would take it for a list
	if (any && ((mode != LIO_WAIT && mode != LIO_NOWAIT) || !list)) return outcome.fail(EINVAL);
	if (aio::in_handler()) return outcome.fail(EAGAIN);
	if (list && any_busy(list, count)) return outcome.fail(EBUSY);
	if (!any) return outcome.libc(libc_aio().listio(mode, list, count, mode == LIO_WAIT ? nullptr : event));

	int others = 0;
	for (int i = 0; i < count; i++) others += entry(list[i]) && !ours(list[i]);
	std::vector<struct aiocb*> theirs;
	std::vector<aio::Order> orders;
	if (!make_room(theirs, others) || !make_room(orders, count)) return outcome.fail(EAGAIN);
	for (int i = 0; i < count && others != 0; i++)
		if (entry(list[i]) && !ours(list[i])) theirs.push_back(list[i]);
	// For the list's own notification, and to be told of libc's entries.
	bool grouped = (event && mode == LIO_NOWAIT) || !theirs.empty();
	auto* group = grouped ? new (std::nothrow) List : nullptr;
	if (grouped && !group) return outcome.fail(EAGAIN);
	uint64_t user = 0;
	Result<PortRef> port = ported ? notified_port(*event, &user) : Error{EINVAL};
	if (ported) {
		int error = port.error();
		auto object = reinterpret_cast<uintptr_t>(event);
		if (port) error = aio::begin_group(*group, **port, AIOLIO, object, user).error();
		if (error != 0) {
			delete group;
			return outcome.fail(as_aio(error));
		}
	} else if (event && mode == LIO_NOWAIT) {
		group->asked = *event;
		if (!watch(*group)) {
			delete group;
			return outcome.fail(EAGAIN);
		}
	}

	bool all = submit_ours(list, count, orders, port ? &**port : nullptr, group);
	if (!theirs.empty()) all &= submit_to_libc(theirs, *group);
	if (group) aio::end_group(*group);
	if (mode == LIO_WAIT) {
		Whole whole{list, count};
		int rc = aio::wait_until(Whole::done, &whole, Deadline::never());
		if (rc != 0) return outcome.fail(rc);
		all &= whole.succeeded();
	}
	return all ? 0 : outcome.fail(EIO);
}
