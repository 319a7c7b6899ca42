// A process that has no memory left goes on: what a death in the critical section left is rebuilt all
// the same, and in order; a thread's first call is refused at worst.

#include "support.hpp"

#include "core/registry.hpp"

#include <aio.h>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <linux/futex.h>
#include <new>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace test;

namespace {

std::atomic<long> granted{-1}; // allocations yet, then none; negative: any

} // namespace

[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
	long left = granted.load();
	while (left > 0 && !granted.compare_exchange_weak(left, left - 1)) {}
	return left != 0 ? std::malloc(size) : nullptr;
}
void* operator new(size_t size) {
	if (void* memory = operator new(size, std::nothrow)) return memory;
	throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace {

constexpr int MESSAGES = 1000;
constexpr int THREADS = 300;

// From here on the kernel gives no page more, or any again.
void memory_ends(bool ends) {
	long pages = 0;
	std::ifstream("/proc/self/statm") >> pages;
	rlimit limit{ends ? static_cast<rlim_t>(pages) * evp::sys::page_size() : RLIM_INFINITY, RLIM_INFINITY};
	EQUAL(setrlimit(RLIMIT_AS, &limit), 0);
}

void in_child(const std::function<void()>& act) {
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		act();
		_exit(0);
	}
	int status = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, 0);
}

void first_call_of_a_process() {
	memory_ends(true);
	int port = port_create();
	if (port < 0) EQUAL(errno, ENOMEM);
	memory_ends(false);
	CHECK((port = port_create()) >= 0);
	EQUAL(port_send(port, 1, nullptr), 0);
}

// Messages in another order than that of their records.
void a_death_is_made_good() {
	int port = port_create_limit(2 * MESSAGES, 0);
	CHECK(port >= 0);
	std::vector<port_event_t> list(2 * MESSAGES);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MESSAGES; i++) EQUAL(port_send(port, i, nullptr), 0);
		unsigned got = MESSAGES / 3;
		if (round == 0) EQUAL(port_getn(port, list.data(), got, &got, nullptr), 0);
	}
	evp::shm::LockWords& words = evp::registry::known(port)->region().header().lock;
	memory_ends(true);
	words.favoured.store(evp::shm::FOR_ALL);
	words.holder.store(0);
	words.word.store(FUTEX_OWNER_DIED);
	unsigned got = 1;
	EQUAL(port_getn(port, list.data(), 2 * MESSAGES, &got, nullptr), 0);
	memory_ends(false);
	EQUAL(got, 2 * MESSAGES - MESSAGES / 3);
	for (unsigned i = 0; i < got; i++) EQUAL(list[i].portev_events, (i + MESSAGES / 3) % MESSAGES);
	EQUAL(info_of(port).pi_slots, 0);
	EQUAL(port_close(port), 0);
}

void first_calls_of_threads() {
	int port = port_create();
	EQUAL(port_send(port, 0, nullptr), 0);
	std::atomic<int> ready{0}, over{0}, refused{0};
	std::atomic<int> stage{0};
	auto call = [&] {
		int spare = dup(STDIN_FILENO);
		ready++;
		while (stage.load() < 1) usleep(1000);
		int rc = port_send(port, 1, nullptr);
		if (rc != 0) EQUAL(errno, ENOMEM);
		refused += rc != 0;
		port_event_t event;
		if (rc != 0) EQUAL(port_create(), -1);
		if (rc != 0) EQUAL(port_get(port, &event, nullptr), -1);
		EQUAL(close(spare), 0);
		over++;
		while (stage.load() < 2) usleep(1000);
		if (rc != 0) EQUAL(port_send(port, 1, nullptr), 0);
	};
	std::vector<std::thread> threads;
	for (int i = 0; i < THREADS; i++) threads.emplace_back(call);
	while (ready.load() != THREADS) usleep(1000);
	memory_ends(true);
	stage.store(1);
	while (over.load() != THREADS) usleep(1000);
	memory_ends(false);
	CHECK(refused.load() > 0 && refused.load() < THREADS);
	stage.store(2);
	for (std::thread& thread : threads) thread.join();
	EQUAL(info_of(port).pi_queued, THREADS + 1);
	EQUAL(port_close(port), 0);
}

// A read of one byte.
aiocb request(int fd, char& byte, port_notify_t& notify) {
	aiocb cb{};
	cb.aio_fildes = fd;
	cb.aio_buf = &byte;
	cb.aio_nbytes = 1;
	cb.aio_lio_opcode = LIO_READ;
	cb.aio_sigevent.sigev_notify = SIGEV_PORT;
	cb.aio_sigevent.sigev_value.sival_ptr = &notify;
	return cb;
}

// Until there is no record for one more: that one is refused, and is none.
void requests_without_end() {
	constexpr int MOST = 60'000;
	int port = port_create();
	int ends[2];
	EQUAL(pipe(ends), 0);
	port_notify_t notify{port, nullptr};
	char byte;
	std::vector<aiocb> list(MOST, request(ends[0], byte, notify));
	EQUAL(aio_read(&list[0]), 0);
	memory_ends(true);
	int made = 1, rc = 0;
	while (made < MOST && (rc = aio_read(&list[made])) == 0) made++;
	int error = errno;
	memory_ends(false);
	EQUAL(rc, -1);
	EQUAL(error, EAGAIN);
	EQUAL(aio_error(&list[made]), EAGAIN);
	EQUAL(info_of(port).pi_slots, made);
	EQUAL(aio_read(&list[made]), 0);
	made++;
	EQUAL(aio_cancel(ends[0], nullptr), AIO_CANCELED);
	std::vector<port_event_t> events(MOST);
	unsigned got = made;
	EQUAL(port_getn(port, events.data(), MOST, &got, nullptr), 0);
	EQUAL(got, made);
	EQUAL(info_of(port).pi_slots, 0);
}

// With one allocation more each time, until it is made.
template <class Call>
void refused_until_made(int error, Call call) {
	int refused = 0;
	for (;; refused++) {
		granted.store(refused);
		int rc = call();
		int saw = errno;
		granted.store(-1);
		if (rc >= 0) break;
		EQUAL(saw, error);
	}
	CHECK(refused > 0);
}

void ports_without_objects() {
	int port;
	refused_until_made(ENOMEM, [&] { return port = port_create(); });
	EQUAL(port_send(port, 1, nullptr), 0);
	EQUAL(port_close(port), 0);
}

void lists_and_cancellations() {
	constexpr int MANY = 300;
	int port = port_create();
	int ends[2];
	EQUAL(pipe(ends), 0);
	port_notify_t notify{port, nullptr};
	char byte;
	std::vector<aiocb> blocks(MANY, request(ends[0], byte, notify));
	std::vector<aiocb*> list;
	for (aiocb& cb : blocks) list.push_back(&cb);
	std::vector<port_event_t> events(MANY);
	EQUAL(aio_read(&blocks[0]), 0); // there is an engine then
	EQUAL(aio_cancel(ends[0], nullptr), AIO_CANCELED);
	EQUAL(port_get(port, events.data(), nullptr), 0);
	for (bool closed : {false, true}) {
		refused_until_made(EAGAIN, [&] { return lio_listio(LIO_NOWAIT, list.data(), MANY, nullptr); });
		EQUAL(info_of(port).pi_slots, MANY);
		granted.store(0);
		EQUAL(closed ? close(ends[0]) : aio_cancel(ends[0], nullptr), closed ? 0 : AIO_CANCELED);
		granted.store(-1);
		unsigned got = MANY;
		EQUAL(port_getn(port, events.data(), MANY, &got, nullptr), 0);
		EQUAL(got, MANY);
		for (aiocb& cb : blocks) EQUAL(aio_error(&cb), ECANCELED);
	}
	EQUAL(port_close(port), 0);
}

// What was told meanwhile is looked for when there is memory again, by who sleeps as well.
void changes_of_files() {
	char first[] = "/tmp/event-ports-no-memory-XXXXXX", second[] = "/tmp/event-ports-no-memory-XXXXXX";
	char* names[] = {first, second};
	int port = port_create();
	file_obj_t objects[2]{};
	int fds[2];
	for (int i = 0; i < 2; i++) {
		CHECK((fds[i] = mkstemp(names[i])) >= 0);
		objects[i].fo_name = names[i];
	}
	auto associate = [&] {
		for (file_obj_t& object : objects)
			EQUAL(port_associate(port, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&object),
			                     FILE_MODIFIED | FILE_TRUNC, nullptr),
			      0);
	};
	auto change = [&] {
		for (int fd : fds) {
			EQUAL(write(fd, "x", 1), 1);
			EQUAL(ftruncate(fd, 0), 0);
		}
	};
	for (int memory = 0; memory < 8; memory++) {
		associate();
		granted.store(memory);
		change();
		port_event_t events[2];
		unsigned got = 2;
		timespec none{};
		EQUAL(port_getn(port, events, 2, &got, &none), 0);
		granted.store(-1);
		unsigned rest = 2 - got;
		if (rest != 0) EQUAL(port_getn(port, events, 2, &rest, nullptr), 0);
		EQUAL(rest + got, 2);

		associate();
		std::atomic<pid_t> waiter{0};
		std::atomic<bool> over{false};
		std::thread thread([&] {
			waiter.store(gettid());
			unsigned both = 2;
			EQUAL(port_getn(port, events, 2, &both, nullptr), 0);
			EQUAL(both, 2);
			over.store(true);
		});
		while (waiter.load() == 0 || !asleep_in_call(waiter.load())) sched_yield();
		granted.store(memory);
		change();
		while (granted.load() > 0 && !over.load()) sched_yield();
		granted.store(-1);
		thread.join();
	}
	for (int i = 0; i < 2; i++) {
		EQUAL(close(fds[i]), 0);
		EQUAL(unlink(names[i]), 0);
	}
	EQUAL(port_close(port), 0);
}

bool on_threads() {
	port_capabilities_t can{};
	can.pc_size = sizeof can;
	EQUAL(port_capabilities(&can), 0);
	return can.pc_aio_engine == PORT_ENGINE_THREADS;
}

int body() {
	if (!SANITIZED) { // which map as they like
		in_child(first_call_of_a_process);
		done("a process' first call has no memory: it is refused, and works later");
		in_child(a_death_is_made_good);
		done("a death in the critical section is made good without memory, in order");
		in_child(first_calls_of_threads);
		done("threads' first calls have no memory: they work, or are refused");
		if (!on_threads()) in_child(requests_without_end);
		done("a request that there is no memory for is refused");
	}
	in_child(ports_without_objects);
	done("a port of which a part has no memory is refused");
	in_child(changes_of_files);
	done("changes of files without memory to judge them are told when there is some");
	if (!on_threads()) in_child(lists_and_cancellations);
	done("a list without memory is refused, and no cancellation takes any");
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
