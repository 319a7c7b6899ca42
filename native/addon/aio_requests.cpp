#include "addon/aio_requests.hpp"

#include "addon/binding.hpp"
#include "sources/aio.hpp"

#include <algorithm>
#include <cstdlib>

namespace evp::addon {

using sys::IoOp;

namespace {

constexpr size_t PAGE = 4096; // what O_DIRECT asks of memory, at most
constexpr size_t SMALLEST = 512; // and of a length, at least
constexpr size_t KEPT_SIZE = 65536; // blocks that are kept for the next request
constexpr size_t KEPT_BYTES = 4 << 20; // of each size
constexpr uint32_t GENERATIONS = 1u << 25;
constexpr uint32_t INDEX_BITS = 24;

size_t class_of(size_t room) {
	size_t n = 0;
	while (SMALLEST << n < room) n++;
	return n;
}

// Carried out for nobody, it would do harm: take a peer's bytes or its connection.
bool takes(const Request& request) {
	return request.op == IoOp::ACCEPT || request.op == IoOp::CONNECT || request.op == IoOp::RECV;
}

} // namespace

Requests& Requests::all() {
	static auto* one = new Requests;
	return *one;
}

char* Requests::take_block(size_t length, size_t* room) {
	size_t n = class_of(length);
	*room = SMALLEST << n;
	if (*room <= KEPT_SIZE && !blocks_[n].empty()) {
		char* block = blocks_[n].back();
		blocks_[n].pop_back();
		return block;
	}
	if (*room > KEPT_SIZE) *room = (length + PAGE - 1) / PAGE * PAGE;
	return static_cast<char*>(aligned_alloc(std::min(*room, PAGE), *room));
}

void Requests::give_block(Request& request) {
	if (!request.block) return;
	size_t n = class_of(request.room);
	if (request.room <= KEPT_SIZE && blocks_[n].size() * request.room < KEPT_BYTES)
		blocks_[n].push_back(request.block);
	else
		free(request.block);
	request.block = nullptr;
}

Request* Requests::take(const Binding& binding, IoOp op, size_t length) {
	if (free_.empty() && abandoned_ != 0) sweep();
	if (free_.empty()) {
		if (requests_.size() >> INDEX_BITS != 0) return nullptr;
		auto* fresh = new Request;
		fresh->index = static_cast<uint32_t>(requests_.size());
		requests_.push_back(fresh);
		free_.push_back(fresh->index);
	}
	Request* request = requests_[free_.back()];
	if (length != 0 && !(request->block = take_block(length, &request->room))) return nullptr;
	free_.pop_back();
	request->binding = &binding;
	request->op = op;
	request->fd = -1;
	request->used = true;
	request->result.store(Request::UNDONE, std::memory_order_relaxed);
	return request;
}

int Requests::release(Request& request) {
	int64_t result = request.result.load(std::memory_order_acquire);
	if (result < 0 && request.fd >= 0) close_number(request.fd);
	give_block(request);
	request.used = false;
	// One whose generations are used up is not used again: a handle that was kept would name another's request.
	if (++request.generation != GENERATIONS) free_.push_back(request.index);
	if (result < 0) return -1;
	return request.op == IoOp::ACCEPT ? static_cast<int>(result) : request.fd;
}

Request* Requests::find(double number) {
	auto bits = static_cast<uint64_t>(number);
	uint64_t index = bits & ((1u << INDEX_BITS) - 1);
	if (index >= requests_.size()) return nullptr;
	Request* request = requests_[index];
	return request->used && request->number() == bits ? request : nullptr;
}

Request* Requests::find_done(double number) {
	Request* request = find(number);
	return request && request->done() ? request : nullptr;
}

// Abandoned ones that are done by now.
void Requests::sweep() {
	for (Request* request : requests_) {
		if (!request->used || request->binding || !request->done()) continue;
		abandoned_--;
		int fd = release(*request);
		if (fd >= 0) close_number(fd);
	}
}

void Requests::abandon(const Binding& binding) {
	struct Taking {
		Request* request;
		uint64_t id;
	};
	std::vector<Taking> taking;
	{
		std::lock_guard guard(lock);
		for (Request* request : requests_) {
			if (!request->used || request->binding != &binding) continue;
			request->binding = nullptr;
			abandoned_++;
			if (!request->done() && takes(*request)) taking.push_back({request, request->id});
		}
	}
	for (const Taking& one : taking) aio::abandon(one.id, one.request);
	aio::reap(); // those of ports that were closed before are done by now, and nobody waits for them
	std::lock_guard guard(lock);
	sweep();
}

} // namespace evp::addon
