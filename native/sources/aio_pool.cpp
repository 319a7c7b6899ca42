// The engine on threads: for kernels and containers without io_uring.
//
// Whoever submits carries out what needs no waiting, as with io_uring (cached reads: aio_book.cpp).
// Workers carry out the rest of what ends by itself; what must wait for a peer (a pipe, a socket, a terminal) waits
// in one poll(2) of the watcher, so that it holds no worker; once ready, the watcher carries out
// itself what can't block it. Both are started when they are first needed and stay; signals are blocked
// in them, so that a write which nobody reads raises none.
// Lock: one for all that is here, inside the book's. Fork: the child has no threads,
// and forgets the engine.

#include "core/registry.hpp"
#include "sources/aio_engine.hpp"
#include "sys/eventfd.hpp"
#include "sys/io_call.hpp"
#include "sys/worker.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

namespace evp {

namespace {

constexpr uint32_t WORKERS = 4;
constexpr uint32_t WATCHER = WORKERS; // its seat

// AioRequest::stage.
enum Stage : uint8_t {
	QUEUED = 1,
	IN_LINE, // behind an earlier write that appends
	RUNNING, // of which CLAIMING and BLOCKED are parts
	CLAIMING, // asks whether its turn at the descriptor would have to wait
	BLOCKED, // in a call that nothing ends
	WATCHED,
	DONE
};

// Requests one after the other, through a link of their own.
template <AioRequest* AioRequest::*NEXT>
class Queue {
public:
	bool empty() const { return !first_; }
	AioRequest* front() const { return first_; }
	void push_back(AioRequest& request) {
		request.*NEXT = nullptr;
		(last_ ? last_->*NEXT : first_) = &request;
		last_ = &request;
	}
	void remove(AioRequest& request) {
		AioRequest* before = nullptr;
		for (AioRequest* at = first_; at && at != &request; at = at->*NEXT) before = at;
		(before ? before->*NEXT : first_) = request.*NEXT;
		if (last_ == &request) last_ = before;
	}
	AioRequest* pop_front() {
		AioRequest* request = first_;
		if (request) remove(*request);
		return request;
	}

private:
	AioRequest* first_ = nullptr;
	AioRequest* last_ = nullptr;
};
using Requests = Queue<&AioRequest::queued>;
using Line = Queue<&AioRequest::behind>;

// Of a descriptor: those that wait until it can be read or written, and the writes that append.
struct Descriptor {
	Requests waiting[2];
	Line line;

	bool unused() const { return waiting[0].empty() && waiting[1].empty() && line.empty(); }
};

class PoolEngine final : public AioEngine {
public:
	PoolEngine(sys::UniqueFd ready, sys::UniqueFd stir)
	    : nameless_(sys::file_id(ready.get())), ready_(std::move(ready)), stir_(std::move(stir)) {}
	int fd() const override { return ready_.get(); }
	bool whole() const override { return sys::eventfd_usable(ready_.get(), nameless_); }

	void start(AioRequest& request) override {
		int64_t result = sys::IO_ELSEWHERE;
		if (!sys::is_open(request.io.fd)) result = -EBADF; // the number may be another's when a thread comes to it
		else if (sys::io_never_waits(request.io)) result = sys::io_call(request.io);
		std::lock_guard guard(lock_);
		if (result != sys::IO_ELSEWHERE) {
			settle(request, result);
			return;
		}
		request.ordered = sys::io_appends(request.io);
		if (request.ordered && !first_in_line(request)) return;
		enqueue(request);
		if (queued_ > idle_ && workers_ < WORKERS && sys::start_worker(work, this)) workers_++;
		if (workers_ == 0) complete(request, -EAGAIN); // no thread can be made
	}

	void flush() override {
		std::lock_guard guard(lock_);
		wake_workers();
	}

	void cancel(AioRequest& request) override {
		std::lock_guard guard(lock_);
		// Of one that runs it is not known yet whether it will have to wait.
		if (request.stage == RUNNING || request.stage == CLAIMING)
			request.withdrawn++;
		else
			push({&request, withdraw(request) ? 0 : -ENOENT, true});
	}

	uint32_t take(AioCompletion* out, uint32_t max) override {
		std::lock_guard guard(lock_);
		uint32_t count = 0;
		while (count < max && taken_ < done_.size()) out[count++] = done_[taken_++];
		if (taken_ == done_.size() && taken_ != 0) {
			done_.clear();
			taken_ = 0;
			at_hand_.store(false, std::memory_order_relaxed);
			sys::eventfd_lower(ready_.get());
		}
		return count;
	}

	bool at_hand() const override { return at_hand_.load(std::memory_order_relaxed); }

	// Queued and watched requests are cancelled by then (7.10); one that runs has
	// perhaps not reached the kernel yet. While the watcher sleeps on it a file stays open: its peer
	// would not be told, nor its address be free.
	void closing(int fd) override {
		std::unique_lock guard(lock_);
		uint64_t look = looks_;
		bool slept_on = asleep_on(fd);
		if (slept_on) sys::eventfd_raise(stir_.get());
		settled_.wait(guard, [&] {
			if (slept_on && looks_ == look) return false;
			for (AioRequest* request : running_)
				if (request && request->io.fd == fd) return false;
			return true;
		});
	}

	// Its threads and whoever held its lock are the parent's.
	void forget() override {
		for (sys::UniqueFd* fd : {&ready_, &stir_})
			registry::give_up_internal(*fd, sys::eventfd_usable(fd->get(), nameless_));
	}

private:
	void enqueue(AioRequest& request) {
		request.stage = QUEUED;
		queue_.push_back(request);
		queued_++;
	}

	void wake_workers() {
		for (uint32_t i = std::min(queued_, idle_); i > 0; i--) wake_.notify_one();
	}

	AioRequest* dequeue() {
		queued_--;
		return queue_.pop_front();
	}

	void give_up_if_unused(int fd) {
		if (descriptors_[fd].unused()) descriptors_.erase(fd);
	}

	void push(const AioCompletion& completion) {
		if (done_.empty()) {
			at_hand_.store(true, std::memory_order_relaxed);
			sys::eventfd_raise(ready_.get());
		}
		done_.push_back(completion);
	}

	void complete(AioRequest& request, int64_t result) {
		if (request.stage == QUEUED) {
			queue_.remove(request);
			queued_--;
		}
		if (request.ordered) leave_line(request);
		request.stage = DONE;
		push({&request, result, false});
	}

	// Writes that append do so in the order in which they were asked for: one at a time of a descriptor.
	bool first_in_line(AioRequest& request) {
		Line& line = descriptors_[request.io.fd].line;
		line.push_back(request);
		request.stage = IN_LINE;
		return line.front() == &request;
	}

	void leave_line(AioRequest& request) {
		request.ordered = false;
		Line& line = descriptors_[request.io.fd].line;
		bool first = line.front() == &request;
		line.remove(request);
		if (first && !line.empty()) {
			enqueue(*line.front());
			wake_.notify_one();
		}
		give_up_if_unused(request.io.fd);
	}

	bool withdraw(AioRequest& request) {
		if (request.stage == WATCHED) {
			descriptors_[request.io.fd].waiting[sys::io_writes(request.io)].remove(request);
			give_up_if_unused(request.io.fd);
			sys::eventfd_raise(stir_.get());
		} else if (request.stage != QUEUED && request.stage != IN_LINE)
			return false;
		complete(request, -ECANCELED);
		return true;
	}

	void watch(AioRequest& request) {
		if (!watching_ && !sys::start_worker(watch_all, this)) {
			complete(request, -EAGAIN);
			return;
		}
		watching_ = true;
		request.stage = WATCHED;
		descriptors_[request.io.fd].waiting[sys::io_writes(request.io)].push_back(request);
		sys::eventfd_raise(stir_.get());
	}

	void settle(AioRequest& request, int64_t result) {
		bool waits = result == sys::IO_NOT_READY;
		uint32_t answers = request.withdrawn;
		request.withdrawn = 0;
		if (waits && answers == 0)
			watch(request);
		else
			complete(request, waits ? -ECANCELED : result);
		for (; answers != 0; answers--) push({&request, waits ? 0 : -ENOENT, true});
	}

	bool asleep_on(int fd) const {
		auto names = [fd](const sys::Watched& one) { return one.fd == fd; };
		return asleep_ && std::any_of(asleep_->begin(), asleep_->end(), names);
	}

	static void work(void* engine) { static_cast<PoolEngine*>(engine)->work(); }
	static void watch_all(void* engine) { static_cast<PoolEngine*>(engine)->watch_all(); }

	[[noreturn]] void work() {
		std::unique_lock guard(lock_);
		uint32_t me = 0;
		while (running_[me] || seats_[me]) me++;
		seats_[me] = true;
		for (;;) {
			idle_++;
			wake_.wait(guard, [&] { return !queue_.empty(); });
			idle_--;
			carry_out(*dequeue(), me, guard);
		}
	}

	// One at a time of a descriptor and direction: of two that are told of the same readiness one would wait
	// in its call, where no cancellation and no close reaches it.
	int64_t block(AioRequest& request, std::unique_lock<std::mutex>& guard) {
		sys::Io io = request.io;
		for (AioRequest* other : running_) {
			if (!other || (other->stage != CLAIMING && other->stage != BLOCKED)) continue;
			if (other->io.fd == io.fd && sys::io_writes(other->io) == sys::io_writes(io)) return sys::IO_NOT_READY;
		}
		request.stage = CLAIMING;
		guard.unlock();
		bool ready = sys::io_ready(io);
		guard.lock();
		if (!ready || request.withdrawn != 0) return sys::IO_NOT_READY;
		request.stage = BLOCKED;
		guard.unlock();
		int64_t result = sys::io_block(io);
		guard.lock();
		return result;
	}

	void carry_out(AioRequest& request, uint32_t seat, std::unique_lock<std::mutex>& guard) {
		request.stage = RUNNING;
		running_[seat] = &request;
		sys::Io io = request.io;
		guard.unlock();
		int64_t result = sys::io_call(io);
		guard.lock();
		if (result == sys::IO_MAY_BLOCK) result = block(request, guard);
		running_[seat] = nullptr;
		settled_.notify_all();
		settle(request, result);
	}

	// One a readiness, the oldest: others of the descriptor would only find nothing. Null: none.
	AioRequest* take_watched(int fd, bool writes) {
		auto at = descriptors_.find(fd);
		if (at == descriptors_.end()) return nullptr;
		AioRequest* request = at->second.waiting[writes].pop_front();
		if (at->second.unused()) descriptors_.erase(at);
		return request;
	}

	[[noreturn]] void watch_all() {
		std::vector<sys::Watched> list;
		for (;;) {
			{
				std::lock_guard guard(lock_);
				list.assign(1, {stir_.get(), {true, false}, {}});
				for (const auto& [fd, one] : descriptors_)
					if (bool reads = !one.waiting[0].empty(), writes = !one.waiting[1].empty(); reads || writes)
						list.push_back({fd, {reads, writes}, {}});
				asleep_ = &list;
			}
			sys::watch(list.data(), list.size());
			sys::eventfd_lower(stir_.get());
			std::unique_lock guard(lock_);
			asleep_ = nullptr;
			looks_++;
			settled_.notify_all();
			for (const sys::Watched& seen : list) {
				for (bool writes : {false, true}) {
					if (!seen.ready[writes]) continue;
					AioRequest* request = take_watched(seen.fd, writes);
					if (!request) continue;
					if (sys::io_never_waits(request->io))
						carry_out(*request, WATCHER, guard);
					else
						enqueue(*request);
				}
			}
			wake_workers();
		}
	}

	const sys::FileId nameless_; // what eventfds are
	sys::UniqueFd ready_, stir_;
	std::mutex lock_;
	std::condition_variable wake_, settled_;
	Requests queue_; // for the workers
	AioRequest* running_[WORKERS + 1]{};
	bool seats_[WORKERS]{};
	uint32_t queued_ = 0;
	uint32_t workers_ = 0;
	uint32_t idle_ = 0;
	bool watching_ = false;
	const std::vector<sys::Watched>* asleep_ = nullptr; // the watcher, on these
	uint64_t looks_ = 0; // that it has ended
	std::unordered_map<int, Descriptor> descriptors_;
	std::vector<AioCompletion> done_;
	size_t taken_ = 0;
	std::atomic<bool> at_hand_{false}; // of done_
};

} // namespace

Result<std::unique_ptr<AioEngine>> make_pool_engine() {
	Result<sys::UniqueFd> ready = sys::eventfd_create();
	if (!ready) return Error{ready.error()};
	Result<sys::UniqueFd> stir = sys::eventfd_create();
	if (!stir) return Error{stir.error()};
	std::unique_ptr<AioEngine> engine(new (std::nothrow) PoolEngine(
	    sys::move_high(std::move(*ready)), sys::move_high(std::move(*stir))));
	if (!engine) return Error{ENOMEM};
	return engine;
}

} // namespace evp
