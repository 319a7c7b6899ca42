// PORT_SOURCE_AIO: what a port sees of it.
//
// States of a request's slot: CACHED (reserved at submit, 7.2), QUEUED, then free.
// Locks: the port's, then the set's; the book's is never held with either.
// The engine's one descriptor stands in the inner set of every port that waits for
// requests, one-shot; whoever finds it ready takes all completions, for every port.
#pragma once
#include "sources/aio.hpp"

namespace evp {

class AioBook;
class AioEngine;

class AioSource final : public Source {
public:
	SourceKind kind() const override { return SourceKind::AIO; }
	void collect(Port& port) override;
	bool interrupts() override;
	bool at_hand() override;
	void collect_at_hand(Port& port) override;
	void close(Port& port) override;
	void revive(Port&) override { set_.store(nullptr); }

	// Has the port know the engine. EAGAIN: too many ports do.
	Result<void> introduce(Port& port, const AioEngine& engine);
	// Takes a slot for each order that notifies, or says why there is none.
	uint32_t reserve(Port& port, aio::Order* orders, AioEvent* events, uint32_t count);
	// Has the port look at the engine while events are to come.
	void watch(Port& port);

private:
	Result<AioSet*> set_of(Port& port);

	std::atomic<AioSet*> set_{nullptr};
};

// Queues events of one set whose requests are done; drops them if its port is gone.
void post_aio_events(AioSet& set, const AioEvent* events, uint32_t count);
// Gives back slots of requests that never were.
void drop_aio_events(AioSet& set, const AioEvent* events, uint32_t count);

} // namespace evp
