#include "sys/freed_later.hpp"

#include <atomic>

namespace evp::sys {

namespace {

// In the memory itself.
struct Left {
	Left* next;
};

std::atomic<Left*> left{nullptr};

void give_back() {
	for (Left *one = left.exchange(nullptr, std::memory_order_acquire), *next = nullptr; one; one = next) {
		next = one->next;
		::operator delete(one);
	}
}

} // namespace

void* FreedLater::operator new(size_t size) {
	give_back();
	return ::operator new(size);
}

void* FreedLater::operator new(size_t size, const std::nothrow_t& nothrow) noexcept {
	give_back();
	return ::operator new(size, nothrow);
}

void FreedLater::operator delete(void* memory) noexcept {
	if (!memory) return;
	auto* one = new (memory) Left{left.load(std::memory_order_relaxed)};
	while (!left.compare_exchange_weak(one->next, one, std::memory_order_release)) {}
}

} // namespace evp::sys
