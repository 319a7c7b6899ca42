// Random sequences of asynchronous requests beside a model of the contract: one event a request, its result
// before it, cancellation, close, the limit (7). Requests on a file whose bytes are known, and on pipes that
// are empty or full for as long as nobody does anything about it; alone and in lists.
//
//   native_sequences_aio [SEED [SEEDS]]      EVENT_PORTS_AIO=pool: on threads

#include "sequences.hpp"

#include <aio.h>
#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

using namespace test;
using namespace test::sequences;

namespace {

constexpr int STEPS = 200;
constexpr unsigned LIMIT = 16;
constexpr int REQUESTS = 24, PIPES = 3;
constexpr size_t BLOCK = 512, BLOCKS = 64;

uint8_t byte_at(size_t block) { return static_cast<uint8_t>(block * 7 + 1); }

struct Request {
	aiocb cb{};
	uint8_t bytes[BLOCK];
	port_notify_t notify{};
	uint64_t user = 0;
	bool under_way = false; // no event of it was retrieved
	int pipe = -1;          // that it is about, or the file
	int list = -1;          // that it belongs to: the list's event is the last of them
};

struct List {
	uint64_t user = 0;
	int left = 0; // of its requests
	port_notify_t notify{};
	void* object = nullptr;
};

class Sequence {
public:
	explicit Sequence(uint64_t from) : random_(from), requests_(REQUESTS), lists_(4) {
		open_port();
		char name[] = "/tmp/event-ports-sequences-XXXXXX";
		CHECK((file_ = mkstemp(name)) >= 0);
		EQUAL(unlink(name), 0);
		for (size_t block = 0; block < BLOCKS; block++) {
			std::vector<uint8_t> bytes(BLOCK, byte_at(block));
			EQUAL(pwrite(file_, bytes.data(), BLOCK, static_cast<off_t>(block * BLOCK)), BLOCK);
		}
		for (int i = 0; i < PIPES; i++) open_pipe(i);
	}
	~Sequence() {
		for (int i = 0; i < PIPES; i++) close_pipe(i); // which ends all that waits
		wait_for_all();
		EQUAL(close(port_), 0);
		EQUAL(close(file_), 0);
	}

	void run() {
		for (step = 0; step < STEPS; step++) {
			act();
			EQUAL(info_of(port_).pi_slots, slots());
		}
	}

private:
	bool chance(uint32_t of) { return random_.below(of) == 0; }
	unsigned slots() const {
		unsigned sum = 0;
		for (const Request& one : requests_) sum += one.under_way;
		for (const List& one : lists_) sum += one.user != 0;
		return sum;
	}
	void open_port() { CHECK((port_ = port_create_limit(LIMIT, 0)) >= 0); }
	void open_pipe(int which) { EQUAL(pipe(pipes_[which]), 0); }
	void close_pipe(int which) {
		note("close pipe %d", which);
		EQUAL(close(pipes_[which][1]), 0); // whoever reads has its end
		EQUAL(close(pipes_[which][0]), 0);
	}

	void act() {
		switch (random_.below(12)) {
		case 0: case 1: case 2: case 3: return submit();
		case 4: return submit_list();
		case 5: return cancel();
		case 6: return again();
		case 7: case 8: return retrieve(false);
		case 9: {
			int which = static_cast<int>(random_.below(PIPES));
			note("write to pipe %d", which);
			EQUAL(write(pipes_[which][1], "x", 1), 1);
			return;
		}
		case 10: {
			if (!chance(4)) return;
			int which = static_cast<int>(random_.below(PIPES));
			close_pipe(which);
			return open_pipe(which);
		}
		default: if (chance(20)) close_the_port();
		}
	}

	// --- Requests.

	Request* unused() {
		for (Request& one : requests_)
			if (!one.under_way) return &one;
		return nullptr;
	}
	void prepare(Request& one) {
		one.cb = aiocb{};
		one.pipe = chance(3) ? static_cast<int>(random_.below(PIPES)) : -1;
		one.list = -1;
		one.user = ++users_;
		size_t block = random_.below(BLOCKS);
		one.cb.aio_fildes = one.pipe < 0 ? file_ : pipes_[one.pipe][0];
		one.cb.aio_offset = one.pipe < 0 ? static_cast<off_t>(block * BLOCK) : 0;
		one.cb.aio_buf = one.bytes;
		one.cb.aio_nbytes = BLOCK;
		one.cb.aio_lio_opcode = LIO_READ;
		if (one.pipe < 0 && chance(3)) {
			one.cb.aio_lio_opcode = LIO_WRITE;
			memset(one.bytes, byte_at(block), BLOCK);
		} else {
			memset(one.bytes, 0, BLOCK);
		}
		one.notify = {port_, cookie(one.user)};
		one.cb.aio_sigevent.sigev_notify = SIGEV_PORT;
		one.cb.aio_sigevent.sigev_value.sival_ptr = &one.notify;
	}
	void submit() {
		Request* one = unused();
		if (!one) return;
		prepare(*one);
		bool writes = one->cb.aio_lio_opcode == LIO_WRITE;
		note("%s pipe %d user %llu", writes ? "write" : "read", one->pipe, static_cast<unsigned long long>(one->user));
		bool room = slots() < LIMIT;
		int rc = writes ? port_aio_write(&one->cb) : port_aio_read(&one->cb);
		EQUAL(rc == 0 ? 0 : errno, room ? 0 : EAGAIN);
		one->under_way = room;
	}
	void submit_list() {
		auto list = std::find_if(lists_.begin(), lists_.end(), [](const List& one) { return one.user == 0; });
		if (list == lists_.end()) return;
		aiocb* entries[5] = {};
		Request* own[5] = {};
		unsigned count = 0, wanted = random_.below(4);
		for (unsigned i = 0; i < wanted; i++) {
			Request* one = unused();
			if (!one) break;
			prepare(*one);
			one->under_way = true; // for unused()
			own[count] = one;
			entries[count++] = &one->cb;
		}
		for (unsigned i = 0; i < count; i++) own[i]->under_way = false;
		if (count == 0 || slots() + count + 1 > LIMIT) return; // what a full port does is another case's
		list->user = ++users_;
		list->left = static_cast<int>(count);
		list->notify = {port_, cookie(list->user)};
		sigevent event{};
		event.sigev_notify = SIGEV_PORT;
		event.sigev_value.sival_ptr = &list->notify;
		note("list of %u, user %llu", count, static_cast<unsigned long long>(list->user));
		EQUAL(port_lio_listio(LIO_NOWAIT, entries, static_cast<int>(count), &event), 0);
		for (unsigned i = 0; i < count; i++) {
			own[i]->under_way = true;
			own[i]->list = static_cast<int>(list - lists_.begin());
			note("  of it pipe %d user %llu", own[i]->pipe, static_cast<unsigned long long>(own[i]->user));
		}
	}
	Request* any_under_way() {
		uint32_t first = random_.below(REQUESTS);
		for (uint32_t i = 0; i < REQUESTS; i++)
			if (Request& one = requests_[(first + i) % REQUESTS]; one.under_way) return &one;
		return nullptr;
	}
	void cancel() {
		Request* one = any_under_way();
		if (!one) return;
		bool all = chance(3);
		int answer = port_aio_cancel(one->cb.aio_fildes, all ? nullptr : &one->cb);
		note("cancel %s user %llu: %d", all ? "all of its descriptor" : "", static_cast<unsigned long long>(one->user), answer);
		CHECK(answer == AIO_CANCELED || answer == AIO_NOTCANCELED || answer == AIO_ALLDONE);
		int state = port_aio_error(&one->cb);
		if (answer == AIO_ALLDONE) CHECK(state != EINPROGRESS);
		if (answer == AIO_CANCELED && !all) EQUAL(state, ECANCELED);
		if (one->pipe >= 0) CHECK(answer != AIO_NOTCANCELED); // nothing but an answer is waited for
	}
	void again() {
		Request* one = any_under_way();
		if (!one || one->pipe < 0 || port_aio_error(&one->cb) != EINPROGRESS) return;
		note("again user %llu", static_cast<unsigned long long>(one->user));
		EQUAL(port_aio_read(&one->cb), -1); // of an empty pipe: nobody else does anything about that
		EQUAL(errno, EBUSY);
	}

	// --- Events.

	void retrieve(bool all) {
		port_event_t list[LIMIT + 4];
		timespec zero{}, second{1, 0};
		unsigned count = 1;
		int rc = port_getn(port_, list, LIMIT + 4, &count, all ? &second : &zero);
		if (rc != 0) EQUAL(errno, ETIME);
		note("%u events", count);
		note_events(list, count);
		for (unsigned i = 0; i < count; i++) came(list[i]);
	}
	void came(const port_event_t& event) {
		EQUAL(event.portev_source, PORT_SOURCE_AIO);
		if (event.portev_events == AIOLIO) {
			auto list = std::find_if(lists_.begin(), lists_.end(), [&](const List& one) { return one.user == number_of(event); });
			CHECK(list != lists_.end());
			list->user = 0;
			return;
		}
		auto one = std::find_if(requests_.begin(), requests_.end(), [&](const Request& each) {
			return reinterpret_cast<uintptr_t>(&each.cb) == event.portev_object;
		});
		CHECK(one != requests_.end());
		CHECK(one->under_way);
		EQUAL(number_of(event), one->user);
		EQUAL(event.portev_events, one->cb.aio_lio_opcode == LIO_WRITE ? AIOAWRITE : AIOAREAD);
		int error = port_aio_error(&one->cb);
		CHECK(error == 0 || error == ECANCELED);
		ssize_t got = port_aio_return(&one->cb);
		if (error != 0) EQUAL(got, -1);
		if (one->pipe < 0 && error == 0) {
			EQUAL(got, BLOCK);
			uint8_t want = byte_at(static_cast<size_t>(one->cb.aio_offset) / BLOCK);
			CHECK(std::all_of(one->bytes, one->bytes + BLOCK, [&](uint8_t byte) { return byte == want; }));
		}
		if (one->pipe >= 0 && error == 0) CHECK(got >= 0 && std::all_of(one->bytes, one->bytes + got, [](uint8_t byte) { return byte == 'x'; }));
		EQUAL(port_aio_return(&one->cb), -1);
		EQUAL(errno, EINVAL);
		one->under_way = false;
	}
	void wait_for_all() {
		while (slots() != 0) retrieve(true);
		for (size_t block = 0; block < BLOCKS; block++) {
			uint8_t bytes[BLOCK];
			EQUAL(pread(file_, bytes, BLOCK, static_cast<off_t>(block * BLOCK)), BLOCK);
			CHECK(std::all_of(bytes, bytes + BLOCK, [&](uint8_t byte) { return byte == byte_at(block); }));
		}
	}
	// What is under way is carried through, without events (7.14); another port hears nothing of it.
	void close_the_port() {
		note("close the port");
		for (int i = 0; i < PIPES; i++) (void)port_aio_cancel(pipes_[i][0], nullptr);
		EQUAL(close(port_), 0);
		for (Request& one : requests_) {
			const aiocb* only = &one.cb;
			while (one.under_way && port_aio_error(only) == EINPROGRESS) EQUAL(port_aio_suspend(&only, 1, nullptr), 0);
			one.under_way = false;
		}
		for (List& one : lists_) one.user = 0;
		open_port();
	}

	Random random_;
	int port_ = -1, file_ = -1;
	int pipes_[PIPES][2];
	std::vector<Request> requests_;
	std::vector<List> lists_;
	uint64_t users_ = 0;
};

} // namespace

int main(int argc, char** argv) { return run<Sequence>(argc, argv, SANITIZED ? 20 : 100, "random sequences of requests"); }
