#include "sources/aio_book.hpp"

#include "core/registry.hpp"
#include "sources/aio_source.hpp"
#include "sys/eventfd.hpp"
#include "sys/io_call.hpp"
#include "sys/thread.hpp"

#include <algorithm>
#include <cerrno>
#include <new>

namespace evp {

using sys::PrivateLock;

// What is to be said of completions once the lock is released: events first, in the
// order of completion, then groups.
struct AioBook::Telling {
	AioEvent events[2 * BATCH]; // a completion may be its group's last
	uint32_t count = 0;
	AioGroup* groups[BATCH];
	uint32_t finished = 0;

	bool full() const { return count >= BATCH || finished >= BATCH - 1; }
	void add(const AioEvent& event) {
		if (event.set) events[count++] = event;
	}
};

namespace {

// Requests outlive their ports (7.14), and go with their descriptor all the same (7.10).
void descriptor_closing(int fd) {
	AioBook* book = AioBook::existing();
	if (!book) return;
	(void)book->cancel_descriptor(fd, AioRequest::FOR_GOOD);
	book->closing(fd);
}

} // namespace

std::atomic<AioBook*> AioBook::newest{nullptr};

AioBook* AioBook::existing() {
	AioBook* now = newest.load(std::memory_order_acquire);
	return now && now->image_ == sys::process_epoch() ? now : nullptr;
}

AioBook* AioBook::current() {
	for (;;) {
		AioBook* now = newest.load(std::memory_order_acquire);
		if (now && now->image_ == sys::process_epoch()) [[likely]]
			return now;
		auto* fresh = new (std::nothrow) AioBook;
		if (!fresh) return nullptr;
		fresh->image_ = sys::process_epoch();
		fresh->inherited_ = now;
		registry::tell_of_closing(descriptor_closing);
		if (!newest.compare_exchange_strong(now, fresh)) {
			delete fresh;
			continue;
		}
		// The parent's, if any, stays where it is but for its descriptors: a thread of
		// it may have been anywhere inside.
		if (AioEngine* inherited = now ? now->engine_.load() : nullptr) forget_engine(*inherited);
		return fresh;
	}
}

// --- Records.

AioRequest* AioBook::take_request() {
	AioRequest* request = free_;
	if (request) {
		free_ = request->next;
		return request;
	}
	if (fresh_ / CHUNK >= CHUNKS) return nullptr;
	AioRequest*& chunk = chunks_[fresh_ / CHUNK];
	if (!chunk) chunk = new (std::nothrow) AioRequest[CHUNK];
	if (!chunk) return nullptr;
	request = &chunk[fresh_ % CHUNK];
	request->index = fresh_++;
	return request;
}

void AioBook::give_back(AioRequest& request) {
	request.next = free_;
	free_ = &request;
}

AioRequest* AioBook::find(uint64_t id) {
	auto index = static_cast<uint32_t>(id);
	if (index == 0 || index >= fresh_) return nullptr;
	AioRequest& request = chunks_[index / CHUNK][index % CHUNK];
	return request.state != AioRequest::FREE && id_of(request) == id ? &request : nullptr;
}

bool AioBook::in_flight(uint64_t id, const void* owner) {
	PrivateLock::Guard guard(lock_);
	AioRequest* request = find(id);
	return request && request->owner == owner;
}

AioSet* AioBook::take_set() {
	PrivateLock::Guard guard(sets_lock_);
	AioSet* set = free_sets_;
	if (set)
		free_sets_ = set->next_free;
	else
		set = new (std::nothrow) AioSet;
	return set;
}

void AioBook::give_back_set(AioSet* set) {
	PrivateLock::Guard guard(sets_lock_);
	set->next_free = free_sets_;
	free_sets_ = set;
}

// --- Submitting.

namespace {

// From one of a line on, it among them: the first on that descriptor.
AioRequest* earlier_on(int fd, AioRequest* from) {
	while (from && from->io.fd != fd) from = from->prev;
	return from;
}

AioRequest* later_on(int fd, AioRequest* from) {
	while (from && from->io.fd != fd) from = from->next;
	return from;
}

bool syncs(const AioRequest& request) {
	return request.io.op == sys::IoOp::FSYNC || request.io.op == sys::IoOp::FDATASYNC;
}

// What is in the page cache needs no engine, and by itself costs two thirds of a request of one.
int64_t read_at_once(const aio::Order& order) {
	return order.error == 0 && sys::io_reads(order.io) ? sys::self().cached.read(order.io) : sys::IO_ELSEWHERE;
}

} // namespace

uint32_t AioBook::submit(aio::Order* orders, const AioEvent* events, uint32_t count, AioGroup* group) {
	AioEngine* engine = engine_.load(std::memory_order_acquire);
	bool by_itself = count == 1 && !orders[0].patient;
	int64_t results[BATCH];
	for (uint32_t i = 0; i < count; i++)
		results[i] = by_itself || !engine->gathers() ? read_at_once(orders[i]) : sys::IO_ELSEWHERE;
	Telling telling;
	uint32_t accepted = 0;
	PrivateLock::Guard guard(lock_);
	for (uint32_t i = 0; i < count; i++) {
		aio::Order& order = orders[i];
		if (order.error != 0) continue;
		AioRequest* request = take_request();
		if (!request) {
			order.error = ENOMEM;
			continue;
		}
		accepted++;
		request->io = order.io;
		request->cancelled = AioRequest::NO;
		request->found = false;
		request->result_code = order.result_code;
		request->whole = order.whole;
		request->moved = 0;
		request->generation++;
		request->event = events[i];
		request->group = group;
		request->store = order.store;
		request->owner = order.owner;
		request->sequence = next_sequence_++;
		Line& line = line_of(request->io.fd);
		// An fsync waits for everything on its descriptor that came before it (14.4.6).
		bool waits = syncs(*request) && earlier_on(request->io.fd, line.last);
		request->state = waits ? AioRequest::HELD : AioRequest::ACTIVE;
		request->next = nullptr;
		request->prev = line.last;
		(line.last ? line.last->next : line.first) = request;
		line.last = request;
		if (group) group->remaining++;
		order.id = id_of(*request);
		if (order.identify) order.identify(order.owner, order.id);
		if (request->state == AioRequest::HELD) {
			held_++;
		} else if (results[i] != sys::IO_ELSEWHERE) {
			finish(*request, results[i], telling);
		} else {
			engine->start(*request);
		}
	}
	orders[0].waits = orders[0].waits && count == 1 && orders[0].error == 0 && engine->gathers();
	if (orders[0].waits) engine->wait();
	else engine->flush();
	if (sleepers_) wake_sleepers();
	guard.unlock();
	tell(telling);
	for (uint32_t i = 0; i < count; i++)
		if (orders[i].error == ENOMEM && events[i].set) drop_aio_events(*events[i].set, &events[i], 1);
	return accepted;
}

void AioBook::flush() {
	PrivateLock::Guard guard(lock_);
	if (AioEngine* engine = engine_.load(std::memory_order_relaxed)) engine->flush();
}

// --- Completing.

// Of those on a descriptor none but the first can be the next to begin: it keeps its neighbours in the line.
void AioBook::release_held(const AioRequest& done) {
	if (earlier_on(done.io.fd, done.prev)) return;
	AioRequest* first = later_on(done.io.fd, done.next);
	if (!first || first->state != AioRequest::HELD) return;
	first->state = AioRequest::ACTIVE;
	held_--;
	engine_.load(std::memory_order_relaxed)->start(*first);
}

// io_uring, and the first try of a thread, write what there is room for; who writes to a stream by
// write(2) waits until there was room for all.
bool AioBook::goes_on(AioRequest& request, int64_t result) {
	if (!request.whole || request.cancelled != AioRequest::NO) return false;
	if (result <= 0 || static_cast<uint64_t>(result) >= request.io.length) return false;
	if (!sys::is_blocking_stream(request.io.fd)) return false;
	request.io.address = static_cast<char*>(request.io.address) + result;
	request.io.length -= static_cast<uint64_t>(result);
	request.moved += result;
	engine_.load(std::memory_order_relaxed)->start(request);
	return true;
}

void AioBook::finish(AioRequest& request, int64_t result, Telling& telling) {
	if (goes_on(request, result)) return;
	if (result == -ECANCELED || result == -EINTR) {
		// Not ours: the kernel gives up what a thread had submitted that has ended; or of a cancellation
		// whose answer was that the request goes on.
		if (request.cancelled == AioRequest::NO) {
			engine_.load(std::memory_order_relaxed)->start(request);
			return;
		}
		result = -ECANCELED; // also a call that the cancellation interrupted
	}
	if (request.moved != 0) result = request.moved + std::max<int64_t>(result, 0);
	request.result = result;
	if (request.store) request.store(request.owner, result);
	Line& line = line_of(request.io.fd);
	(request.prev ? request.prev->next : line.first) = request.next;
	(request.next ? request.next->prev : line.last) = request.prev;
	if (request.state == AioRequest::HELD) held_--;
	request.state = AioRequest::FREE;
	if (held_ != 0) release_held(request);
	AioEvent event = request.event;
	if (request.result_code) event.code = static_cast<int32_t>(result);
	telling.add(event);
	AioGroup* group = request.group;
	if (request.pins == 0) give_back(request);
	if (group) leave(*group, telling);
}

void AioBook::leave(AioGroup& group, Telling& telling) {
	if (--group.remaining != 0) return;
	telling.add(group.event);
	if (group.finished) telling.groups[telling.finished++] = &group;
}

void AioBook::join_group(AioGroup& group) {
	PrivateLock::Guard guard(lock_);
	group.remaining++;
}

void AioBook::leave_group(AioGroup& group) {
	Telling telling;
	{
		PrivateLock::Guard guard(lock_);
		leave(group, telling);
		wake_sleepers();
	}
	tell(telling);
}

bool AioBook::ended(const AioGroup& group) {
	PrivateLock::Guard guard(lock_);
	return group.remaining == 0;
}

void AioBook::wake_sleepers() {
	for (Sleeper* sleeper = sleepers_; sleeper; sleeper = sleeper->next)
		sys::eventfd_raise(sleeper->fd);
}

// Not locked.
void AioBook::tell(Telling& telling) {
	for (uint32_t from = 0, to; from < telling.count; from = to) {
		AioSet* set = telling.events[from].set;
		for (to = from + 1; to < telling.count && telling.events[to].set == set;) to++;
		post_aio_events(*set, telling.events + from, to - from);
	}
	for (uint32_t i = 0; i < telling.finished; i++) telling.groups[i]->finished(*telling.groups[i]);
}

bool AioBook::reap_once() {
	AioEngine* engine = engine_.load(std::memory_order_acquire);
	if (!engine) return false;
	Telling telling;
	AioCompletion list[BATCH];
	uint32_t count;
	{
		PrivateLock::Guard guard(lock_);
		count = engine->take(list, BATCH);
		for (uint32_t i = 0; i < count; i++) {
			AioRequest& request = *list[i].request;
			if (!list[i].cancellation) {
				finish(request, list[i].result, telling);
				continue;
			}
			request.unanswered--;
			if (list[i].result >= 0) request.found = true;
			unpin(request);
		}
		if (count == 0) return false;
		engine->flush(); // what was started again, or no longer held
		if (sleepers_) wake_sleepers();
	}
	tell(telling);
	return count == BATCH;
}

void AioBook::reap() {
	constexpr int ROUNDS = 16; // the rest at the next collection
	for (int i = 0; i < ROUNDS && (reap_once() || unseen()); i++) {}
}

// --- Cancelling.

void AioBook::unpin(AioRequest& request) {
	if (--request.pins == 0 && request.state == AioRequest::FREE) give_back(request);
}

// Pins it twice: for the engine's answer, and for the caller.
void AioBook::ask_cancel(AioRequest& request, AioRequest::Cancelled how, Telling& telling) {
	request.cancelled = std::max(request.cancelled, how);
	request.pins++;
	if (request.state == AioRequest::HELD) {
		request.found = true;
		finish(request, -ECANCELED, telling);
		return;
	}
	request.pins++;
	request.unanswered++;
	engine_.load(std::memory_order_relaxed)->cancel(request);
}

// One that was found ends at once; of others there is nothing to wait for.
bool AioBook::settled(const AioRequest& request) const {
	if (request.state == AioRequest::FREE) return request.unanswered == 0;
	return request.unanswered == 0 && !request.found;
}

struct AioBook::Cancelling {
	AioBook& book;
	AioRequest* requests[BATCH]; // no memory is taken: a descriptor is closed without
	uint32_t count = 0;

	AioRequest** begin() { return requests; }
	AioRequest** end() { return requests + count; }
	static bool done(void* data) {
		auto& self = *static_cast<Cancelling*>(data);
		PrivateLock::Guard guard(self.book.lock_);
		for (AioRequest* request : self)
			if (!self.book.settled(*request)) return false;
		return true;
	}
};

// Those that `next` leads to, one from the other and the first from null.
template <class Next>
aio::Cancelled AioBook::cancel_each(AioRequest::Cancelled how, Next next) {
	uint64_t seen = 0;
	bool any = false;
	bool active = false;
	bool cancelled = true;
	for (bool more = true; more;) {
		Cancelling asked{*this, {}};
		Telling telling;
		{
			PrivateLock::Guard guard(lock_);
			more = false;
			for (AioRequest* at = next(nullptr); at && !more;) {
				AioRequest* after = next(at); // a held one goes at once
				if (at->sequence > seen) {
					seen = at->sequence;
					asked.requests[asked.count++] = at;
					ask_cancel(*at, how, telling);
				}
				at = after;
				more = asked.count == BATCH || telling.full();
			}
			if (sleepers_) wake_sleepers();
		}
		tell(telling);
		if (asked.count == 0) break;
		any = true;
		while (wait_until(Cancelling::done, &asked, Deadline::never()) == EINTR) {}
		PrivateLock::Guard guard(lock_);
		for (AioRequest* request : asked) {
			if (request->state != AioRequest::FREE) {
				active = true;
				// The kernel may still give up what it said was under way; but that goes on, as is said here.
				if (settled(*request) && request->cancelled == AioRequest::ASKED) request->cancelled = AioRequest::NO;
			}
			cancelled &= request->result == -ECANCELED;
			unpin(*request);
		}
	}
	if (!any) return aio::Cancelled::ALL_DONE;
	if (active) return aio::Cancelled::NOT_CANCELED;
	return cancelled ? aio::Cancelled::CANCELED : aio::Cancelled::ALL_DONE;
}

aio::Cancelled AioBook::cancel(uint64_t id, const void* owner, AioRequest::Cancelled how) {
	return cancel_each(how, [&](AioRequest* before) {
		AioRequest* one = before ? nullptr : find(id);
		return one && one->owner == owner ? one : nullptr;
	});
}

aio::Cancelled AioBook::cancel_descriptor(int fd, AioRequest::Cancelled how) {
	return cancel_each(how, [&](AioRequest* before) {
		return later_on(fd, before ? before->next : line_of(fd).first);
	});
}

void AioBook::closing(int fd) {
	if (AioEngine* engine = engine_.load(std::memory_order_acquire)) engine->closing(fd);
}

// --- Waiting.

int AioBook::wait_until(bool (*done)(void* data), void* data, const Deadline& deadline) {
	reap();
	if (done(data)) return 0;
	// None left: nobody can wake it, so it looks by itself.
	constexpr int64_t LOOK = 1'000'000;
	Result<sys::UniqueFd> made = sys::eventfd_create();
	bool woken = static_cast<bool>(made);
	sys::UniqueFd own = woken ? sys::move_high(std::move(*made)) : sys::UniqueFd();
	Sleeper sleeper{own.get(), nullptr};
	if (woken) {
		PrivateLock::Guard guard(lock_);
		sleeper.next = sleepers_;
		sleepers_ = &sleeper;
	}
	int rc = 0;
	for (;;) {
		reap();
		if (done(data)) break;
		AioEngine* engine = engine_.load(std::memory_order_acquire);
		Deadline look = woken ? deadline : Deadline::after(LOOK);
		bool last = deadline.at <= look.at;
		rc = sys::wait_readable(sleeper.fd, engine ? engine->fd() : -1, last ? deadline : look);
		if (rc != 0 && (last || rc != ETIMEDOUT) && !done(data)) break;
		rc = 0;
		if (woken) sys::eventfd_lower(sleeper.fd);
	}
	if (!woken) return rc;
	PrivateLock::Guard guard(lock_);
	Sleeper** at = &sleepers_;
	while (*at != &sleeper) at = &(*at)->next;
	*at = sleeper.next;
	return rc;
}

} // namespace evp
