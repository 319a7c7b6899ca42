// The engine on io_uring.

#include "sources/aio_engine.hpp"
#include "sys/uring.hpp"

#include <atomic>
#include <cerrno>
#include <new>
#include <sched.h>
#include <vector>

namespace evp {

namespace {

constexpr unsigned ENTRIES = 256;
constexpr unsigned COMPLETIONS = 4096;
constexpr uint64_t CANCELLATION = 1; // beside the address of a request
constexpr int ATTEMPTS = 1000;

uint64_t tag(AioRequest& request) { return reinterpret_cast<uintptr_t>(&request); }

class UringEngine final : public AioEngine {
public:
	explicit UringEngine(std::unique_ptr<sys::Ring> ring) : ring_(std::move(ring)) {}
	int fd() const override { return ring_->fd(); }
	bool whole() const override { return ring_->whole(); }

	void start(AioRequest& request) override {
		while (!ring_->prepare(request.io, tag(request))) flush();
	}

	void cancel(AioRequest& request) override {
		while (!ring_->prepare_cancel(tag(request), tag(request) | CANCELLATION)) flush();
		flush();
	}

	bool gathers() const override { return true; }
	void wait() override { waiting_.store(true, std::memory_order_relaxed); }

	void flush() override {
		waiting_.store(false, std::memory_order_relaxed);
		// A kernel that is short of something refuses; what it refused stays prepared. Not for ever: nobody may come
		// again but for the events of what waits here.
		for (int i = 0; i < ATTEMPTS; i++) {
			int rc = ring_->submit();
			if (rc == 0) return;
			if (rc == EPERM || rc == ENOSYS || rc == EACCES) return give_up(rc);
			if (rc == EBADF || rc == EOPNOTSUPP) return give_up(EIO); // its descriptor was closed behind our back
			if (rc == EBUSY) set_aside();
			else sched_yield();
		}
		give_up(EAGAIN);
	}

	uint32_t take(AioCompletion* out, uint32_t max) override {
		if (ring_->unsubmitted() != 0) flush();
		uint32_t count = 0;
		unseen_.store(aside_.size() > max, std::memory_order_relaxed);
		while (count < max && !aside_.empty()) {
			out[count++] = aside_.back();
			aside_.pop_back();
		}
		sys::RingCompletion list[64];
		uint32_t room = max - count < 64 ? max - count : 64;
		unsigned taken = room != 0 ? ring_->take(list, room) : 0;
		for (unsigned i = 0; i < taken; i++) out[count++] = completion(list[i]);
		return count;
	}

	bool interrupts() const override { return ring_->busy(); }
	bool at_hand() const override { return ring_->at_hand() || waiting_.load(std::memory_order_relaxed); }
	bool unseen() const override { return unseen_.load(std::memory_order_relaxed); }

	void forget() override { ring_->forget(); }

private:
	static AioCompletion completion(const sys::RingCompletion& from) {
		auto* request = reinterpret_cast<AioRequest*>(from.data & ~CANCELLATION);
		return {request, from.result, (from.data & CANCELLATION) != 0};
	}

	// The kernel takes nothing more until its completions are taken.
	void set_aside() {
		sys::RingCompletion list[64];
		unsigned taken = ring_->take(list, 64);
		for (unsigned i = 0; i < taken; i++) aside_.push_back(completion(list[i]));
		unseen_.store(true, std::memory_order_relaxed);
	}

	// The kernel has no memory; or the program has denied itself the call since the ring was made, or closed it, and
	// nothing will be taken any more.
	void give_up(int error) {
		uint64_t refused[64];
		while (unsigned count = ring_->withdraw(refused, 64)) {
			for (unsigned i = 0; i < count; i++) aside_.push_back(completion({refused[i], -error}));
			unseen_.store(true, std::memory_order_relaxed);
		}
	}

	std::unique_ptr<sys::Ring> ring_;
	std::vector<AioCompletion> aside_;
	std::atomic<bool> unseen_{false}; // aside_ holds some
	std::atomic<bool> waiting_{false}; // some of the ring's wait for flush()
};

} // namespace

Result<std::unique_ptr<AioEngine>> make_uring_engine() {
	Result<std::unique_ptr<sys::Ring>> ring = sys::Ring::make(ENTRIES, COMPLETIONS);
	if (!ring) return Error{ring.error()};
	std::unique_ptr<AioEngine> engine(new (std::nothrow) UringEngine(std::move(*ring)));
	if (!engine) return Error{ENOMEM};
	return engine;
}

} // namespace evp
