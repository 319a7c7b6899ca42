#include "sources/mq_table.hpp"

#include <new>

namespace evp::mq {

Table* Table::current() {
	static std::atomic<Table*> newest{nullptr};
	for (;;) {
		Table* now = newest.load(std::memory_order_acquire);
		if (now && now->image_ == sys::process_epoch()) return now;
		auto* fresh = new (std::nothrow) Table; // the parent's stays: somebody may have held its lock
		if (!fresh) return nullptr;
		fresh->image_ = sys::process_epoch();
		fresh->inherited_ = now;
		if (newest.compare_exchange_strong(now, fresh)) return fresh;
		delete fresh;
	}
}

uint64_t Table::add(Owned registration) {
	registration->id = ++last_id_;
	registration->next = first_;
	first_ = registration.release();
	return first_->id;
}

Owned Table::take(uint64_t id) {
	for (Registration** at = &first_; *at; at = &(*at)->next) {
		if ((*at)->id != id) continue;
		Owned found(*at);
		*at = found->next;
		return found;
	}
	return nullptr;
}

Registration* Table::next(mqd_t queue, uint64_t after) {
	Registration* lowest = nullptr;
	for (Registration* at = first_; at; at = at->next)
		if (at->queue == queue && at->id > after && (!lowest || at->id < lowest->id)) lowest = at;
	return lowest;
}

void Table::forget(mqd_t queue) {
	for (uint64_t id = 0;;) {
		Owned gone;
		sys::PrivateLock::Guard guard(lock);
		Registration* found = next(queue, id);
		if (!found) return;
		id = found->id;
		if (found->how != How::SOCKET) gone = take(id);
	}
}

} // namespace evp::mq
