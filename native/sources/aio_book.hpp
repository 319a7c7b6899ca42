// The requests of a process, whatever port they report to.
//
// Lock: `lock_`, never held together with a port's or a set's. System calls are made
// under it: submission and collection are a thread's at a time.
// Fork: a child starts with a book of its own, and closes what it has of the engine.
#pragma once
#include "sources/aio.hpp"
#include "sources/aio_engine.hpp"

#include <atomic>

namespace evp {

class AioBook {
public:
	// Of this process image, made on first use; null: no memory.
	static AioBook* current();
	// The same, if there is one.
	static AioBook* existing();

	// The engine, started when first asked for. Null: none works, and *error says why.
	AioEngine* engine(int* error = nullptr);
	static void lose(const AioEngine& engine);
	aio::EngineInfo info();

	// Orders whose `error` is 0, into requests; `events` holds the event of each. How many: ENOMEM.
	uint32_t submit(aio::Order* orders, const AioEvent* events, uint32_t count, AioGroup* group);
	void flush();
	// Takes completions and tells of them, until there are no more or it is somebody
	// else's turn.
	void reap();
	bool interrupts() const {
		AioEngine* engine = engine_.load(std::memory_order_acquire);
		return engine && engine->interrupts();
	}
	bool at_hand() const {
		AioEngine* engine = engine_.load(std::memory_order_acquire);
		return engine && engine->at_hand();
	}
	bool unseen() const {
		AioEngine* engine = engine_.load(std::memory_order_acquire);
		return engine && engine->unseen();
	}
	bool in_flight(uint64_t id, const void* owner);
	aio::Cancelled cancel(uint64_t id, const void* owner, AioRequest::Cancelled how);
	aio::Cancelled cancel_descriptor(int fd, AioRequest::Cancelled how);
	void closing(int fd);
	int wait_until(bool (*done)(void* data), void* data, const Deadline& deadline);

	AioSet* take_set();
	void give_back_set(AioSet* set);
	// One member less; tells of the group when it was the last.
	void join_group(AioGroup& group);
	void leave_group(AioGroup& group);
	bool ended(const AioGroup& group);

private:
	static constexpr uint32_t CHUNK = 256;
	static constexpr uint32_t CHUNKS = 1u << 14; // four million requests
	static constexpr uint32_t BATCH = 64;
	static constexpr uint32_t LINES = 256;

	struct Telling;
	struct Cancelling;
	// Those in flight on descriptors that share a remainder, mostly on one; oldest first.
	struct Line {
		AioRequest* first = nullptr;
		AioRequest* last = nullptr;
	};
	struct Sleeper { // a thread in wait_until()
		int fd;
		Sleeper* next;
	};

	AioBook() = default;
	void start_engine();
	AioRequest* take_request();
	void give_back(AioRequest& request);
	AioRequest* find(uint64_t id);
	static uint64_t id_of(const AioRequest& request) {
		return static_cast<uint64_t>(request.generation) << 32 | request.index;
	}
	Line& line_of(int fd) { return lines_[static_cast<uint32_t>(fd) % LINES]; }
	bool goes_on(AioRequest& request, int64_t result);
	void finish(AioRequest& request, int64_t result, Telling& telling);
	void release_held(const AioRequest& done);
	void ask_cancel(AioRequest& request, AioRequest::Cancelled how, Telling& telling);
	bool settled(const AioRequest& request) const;
	static void forget_engine(AioEngine& inherited);
	void unpin(AioRequest& request);
	template <class Next>
	aio::Cancelled cancel_each(AioRequest::Cancelled how, Next next);
	void wake_sleepers();
	void leave(AioGroup& group, Telling& telling);
	void tell(Telling& telling);
	bool reap_once();

	static std::atomic<AioBook*> newest;

	uint64_t image_ = 0;
	AioBook* inherited_ = nullptr; // the parent's: unused, and not lost
	sys::PrivateLock lock_;
	std::atomic<AioEngine*> engine_{nullptr};
	aio::EngineInfo info_{aio::EngineKind::NONE, 0, "not started"};
	AioRequest* chunks_[CHUNKS]{};
	uint32_t fresh_ = 1;
	AioRequest* free_ = nullptr;
	Line lines_[LINES];
	uint64_t next_sequence_ = 1;
	uint32_t held_ = 0;
	Sleeper* sleepers_ = nullptr;
	sys::PrivateLock sets_lock_;
	AioSet* free_sets_ = nullptr;
};

} // namespace evp
