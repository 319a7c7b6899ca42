// Messages with bytes (Port::post): what comes out is what went in, blocks are given
// back, and what a peer scribbled is never believed.

#include "support.hpp"

#include "core/registry.hpp"

#include <algorithm>
#include <memory>
#include <vector>

using namespace test;

namespace {

constexpr uint32_t MOST = evp::shm::BLOCK_BYTES;

struct Batch final : evp::ByteSink {
	std::vector<std::vector<unsigned char>> bytes{64};
	std::vector<bool> came = std::vector<bool>(64);
	void* room(uint32_t event, uint32_t length) override {
		CHECK(length <= MOST);
		CHECK(!came[event]);
		came[event] = true;
		bytes[event].resize(length);
		return bytes[event].data();
	}
};

struct Opened {
	int number;
	std::unique_ptr<evp::PortRef> port;
	explicit Opened(uint32_t limit) : number(port_create_limit(limit, 0)) {
		CHECK(number >= 0);
		port = std::make_unique<evp::PortRef>(evp::registry::known(number));
	}
	~Opened() {
		port.reset(); // who closes a port in the middle of a call of its own keeps it
		EQUAL(port_close(number), 0);
	}
	int post(const std::vector<unsigned char>& bytes, uint64_t user) {
		return (*port)->post(bytes.data(), static_cast<uint32_t>(bytes.size()), 1, user).error();
	}
};

std::vector<unsigned char> pattern(uint32_t length) {
	std::vector<unsigned char> bytes(length);
	for (uint32_t i = 0; i < length; i++) bytes[i] = static_cast<unsigned char>(i * 7 + length);
	return bytes;
}

void bytes_arrive() {
	Opened opened(64);
	const uint32_t lengths[] = {0, 1, 4, 100, MOST - 1, MOST};
	uint64_t user = 1;
	for (uint32_t length : lengths) EQUAL(opened.post(pattern(length), user++), 0);
	EQUAL(port_send(opened.number, 2, cookie(user)), 0);
	EQUAL((*opened.port)->post(nullptr, MOST + 1, 1, 0).error(), EINVAL);
	evp::Event list[64];
	Batch batch;
	EQUAL((*opened.port)->try_get(list, 64, 1, &batch).count, 7);
	for (uint32_t i = 0; i < 6; i++) {
		EQUAL(list[i].source, PORT_SOURCE_USER);
		EQUAL(list[i].events, 1);
		EQUAL(list[i].user, i + 1);
		CHECK(batch.came[i]);
		CHECK(batch.bytes[i] == pattern(lengths[i]));
	}
	CHECK(!batch.came[6]);
}

// C's retrieval has no place for them: dropped, the block is free again.
void dropped_in_c() {
	Opened opened(4);
	for (int round = 0; round < 100; round++) {
		for (uint32_t i = 0; i < 4; i++) EQUAL(opened.post(pattern(i + 1), i), 0);
		EQUAL(opened.post(pattern(1), 0), EAGAIN);
		port_event_t list[4];
		unsigned got = 4;
		EQUAL(port_getn(opened.number, list, 4, &got, nullptr), 0);
		EQUAL(got, 4);
	}
}

void blocks_run_out() {
	constexpr uint32_t BLOCKS = evp::shm::MAX_BLOCKS;
	Opened opened(BLOCKS + 8);
	for (uint32_t i = 0; i < BLOCKS; i++) EQUAL(opened.post({static_cast<unsigned char>(i)}, i), 0);
	EQUAL(opened.post({1}, 0), EAGAIN);
	EQUAL(info_of(opened.number).pi_slots, BLOCKS);
	EQUAL(opened.post({}, 0), 0); // needs none
	EQUAL(port_send(opened.number, 1, nullptr), 0);
	evp::Event event;
	Batch batch;
	EQUAL((*opened.port)->try_get(&event, 1, 1, &batch).count, 1);
	EQUAL(opened.post({1}, 0), 0);
	EQUAL(opened.post({1}, 0), EAGAIN);
}

void scribbled() {
	using evp::shm::Slot;
	Opened opened(8);
	evp::shm::Region& region = (*opened.port)->region();
	const uint32_t values[] = {0, 1, 8, 9, MOST, MOST + 1, 0x7fffffff, ~0u};
	for (uint32_t link : values) {
		for (uint32_t length : values) {
			EQUAL(opened.post(pattern(50), 1), 0);
			Slot& slot = region.slot(region.header().shared.head.load());
			slot.link.store(link);
			slot.asked.store(length);
			evp::Event event;
			Batch batch;
			EQUAL((*opened.port)->try_get(&event, 1, 1, &batch).count, 1);
			EQUAL(batch.bytes[0].size(), std::min(length, MOST));
			// The chain of free blocks, and where the unused ones begin.
			region.header().block_free.store(link);
			if (link != 0 && link <= region.block_count()) region.block(link).next.store(length);
			region.header().block_fresh.store(length);
			for (int i = 0; i < 20; i++) (void)opened.post(pattern(MOST), 2);
			Batch rest;
			evp::Event list[16];
			(void)(*opened.port)->try_get(list, 16, 1, &rest);
			region.header().block_free.store(0);
			region.header().block_fresh.store(1);
		}
	}
}

int body() {
	bytes_arrive();
	done("bytes arrive as they went");
	dropped_in_c();
	done("C drops them");
	blocks_run_out();
	done("blocks run out before slots");
	scribbled();
	done("scribbled links and lengths");
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
