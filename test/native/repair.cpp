// A process dies at every store it makes to a port, one after the other: what
// survives goes on, loses nothing but what the dead one had in hand, and counts
// right. Two families: a survivor that comes later, and one that waits already.

#include "kill.hpp"

#include "core/registry.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <poll.h>
#include <set>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace test;

namespace {

constexpr uint32_t LIMIT = 160;
constexpr uint64_t OURS = 1000;   // cookies the survivor sent before
constexpr uint64_t THEIRS = 2000; // the dead one's
constexpr uint64_t LATER = 3000;  // the survivor's afterwards
constexpr uint32_t BEFORE = 5;
constexpr uint32_t LENGTH = 100; // of messages with bytes, all of which say whose they are
constexpr uint64_t FD_OURS = 1, FD_THEIRS = 2;

// Repair may run in a signal handler over malloc.
bool allocating = true;

uint32_t stride = 1;
int port = -1;
int mine[2], other[2], spare[2]; // pipes: the survivor's, the dead one's

const timespec NONE{};

// --- What the one that dies does.

void join_only(Diary&) { EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0); }
void nothing(Diary&) {}

void announce_send(Diary& diary, int count) {
	for (int i = 0; i < count; i++) {
		diary.sending++;
		EQUAL(port_send(port, 9, cookie(THEIRS + diary.sent)), 0);
		diary.sent++;
	}
}

int post(uint64_t number) {
	int error = 0;
	evp::PortRef ref = evp::registry::find(port, &error);
	if (!ref) return error;
	unsigned char bytes[LENGTH];
	memset(bytes, static_cast<int>(number & 0xff), LENGTH);
	return ref->post(bytes, LENGTH, 9, number).error();
}

void announce_post(Diary& diary, int count) {
	for (int i = 0; i < count; i++) {
		diary.sending++;
		EQUAL(post(THEIRS + diary.sent), 0);
		diary.sent++;
	}
}

void announce_take(Diary& diary, unsigned max, unsigned wanted = 1, timespec timeout = NONE) {
	std::array<port_event_t, 16> list;
	diary.taking = max;
	unsigned got = wanted;
	int rc = port_getn(port, list.data(), max, &got, &timeout);
	if (rc != 0) EQUAL(errno, ETIME);
	for (unsigned i = 0; i < got; i++) diary.got[diary.taken++] = number_of(list[i]);
	diary.taking = 0;
}

void associate(const int (&pair)[2], uint64_t user) {
	EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pair[0]), POLLIN, cookie(user)), 0);
}

void send_some(Diary& diary) { announce_send(diary, 3); }
void take_one(Diary& diary) { announce_take(diary, 1); }
void take_batch(Diary& diary) { announce_take(diary, 3); }
void send_and_take(Diary& diary) {
	announce_send(diary, 2);
	announce_take(diary, 2);
	announce_send(diary, 1);
	announce_take(diary, 10);
}
void post_some(Diary& diary) { announce_post(diary, 3); }
void post_and_take(Diary& diary) {
	announce_post(diary, 2);
	announce_take(diary, 6); // ours, and one of them
	announce_post(diary, 2);
	announce_take(diary, 10);
}
void associate_idle(Diary&) { associate(other, FD_THEIRS); }
void associate_twice(Diary&) {
	associate(other, FD_THEIRS);
	associate(other, FD_THEIRS);
}
void associate_ready(Diary& diary) {
	EQUAL(write(spare[1], "x", 1), 1);
	associate(spare, FD_THEIRS);
	announce_send(diary, 1); // what was ready comes first: this collects
	associate(spare, FD_THEIRS);
	announce_take(diary, 16);
}
void dissociate(Diary&) { (void)port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(other[0])); }
void with_association(Diary& diary) {
	join_only(diary);
	associate(other, FD_THEIRS);
}
void close_associated(Diary&) { EQUAL(port_fd_close(other[0]), 0); }
void alert_on(Diary&) { EQUAL(port_alert(port, PORT_ALERT_SET, 7, cookie(7)), 0); }
void alert_on_off(Diary&) {
	EQUAL(port_alert(port, PORT_ALERT_SET, 7, cookie(7)), 0);
	EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0);
}
void wait_in_vain(Diary& diary) { announce_take(diary, 16, 12, milliseconds(1)); }
void wait_leading(Diary& diary) {
	associate(other, FD_THEIRS);
	announce_take(diary, 16, 12, milliseconds(1));
}
constexpr uint32_t LIBRARY = PORT_SOURCE_LIBRARY;
port_source_t open_source() {
	port_source_ops_t ops = {sizeof ops, LIBRARY, nullptr, nullptr};
	port_source_t source = 0;
	EQUAL(port_source_open(port, &ops, nullptr, &source), 0);
	return source;
}
port_slot_t reserve(port_source_t source, int flags, uint64_t user) {
	port_slot_t slot = 0;
	EQUAL(port_slot_reserve(source, flags, 0, cookie(user), nullptr, &slot), 0);
	return slot;
}
void share_from_library(Diary& diary) {
	port_source_t source = open_source();
	for (int i = 0; i < 2; i++) {
		port_slot_t slot = reserve(source, PORT_SHARE_EVENT, THEIRS + diary.sent);
		diary.sending++;
		EQUAL(port_slot_post(slot, 9), 0);
		diary.sent++;
	}
	(void)reserve(source, PORT_SHARE_EVENT, 0); // promised only
	announce_take(diary, 16);
}
void keep_in_library(Diary& diary) { // all of which goes with its process
	port_source_t source = open_source();
	port_slot_t kept = reserve(source, PORT_SLOT_KEEP, FD_THEIRS);
	EQUAL(port_slot_post(kept, 1), 0);
	EQUAL(port_slot_post(reserve(source, 0, FD_THEIRS), 1), 0);
	announce_take(diary, 16);
	EQUAL(port_slot_post(kept, 1), 0);
	EQUAL(port_slot_release(kept), 0);
	(void)reserve(source, 0, FD_THEIRS);
	EQUAL(port_source_close(source), 0);
}
void close_port(Diary&) { EQUAL(port_close(port), 0); }

// One dies inside the critical section, so that the next, who dies in its turn, repairs.
void torn(Diary& diary) {
	join_only(diary);
	Diary& first = shared_diary();
	uint32_t store = 1;
	while (dies_at(store, first, join_only, alert_on) && !(first.inside && strcmp(first.file, "port.cpp") == 0))
		store++;
	EQUAL(munmap(&first, sizeof first), 0);
	most_of_a_place = 3;
}
void torn_with_association(Diary& diary) {
	associate(other, FD_THEIRS);
	torn(diary);
}
void post_when_torn(Diary& diary) {
	announce_post(diary, 1);
	announce_take(diary, 3);
}

void timer(Diary&) {
	port_notify_t notify{port, cookie(FD_THEIRS)};
	sigevent event{};
	event.sigev_notify = SIGEV_PORT;
	event.sigev_value.sival_ptr = &notify;
	timer_t id;
	itimerspec value{{}, {0, 1}};
	EQUAL(port_timer_create(CLOCK_MONOTONIC, &event, &id), 0);
	EQUAL(port_timer_settime(id, 0, &value, nullptr), 0);
	unsigned queued = 0;
	for (int i = 0; i < 3; i++) EQUAL(port_getn(port, nullptr, 0, &queued, nullptr), 0);
	EQUAL(port_timer_settime(id, 0, &value, nullptr), 0);
	EQUAL(port_timer_delete(id), 0);
}
void file(Diary&) {
	static char name[] = "/bin/sh";
	file_obj_t object{};
	object.fo_name = name;
	for (int i = 0; i < 2; i++) { // the stamps differ: an event at once
		EQUAL(port_associate(port, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&object), FILE_MODIFIED, nullptr), 0);
	}
	(void)port_dissociate(port, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&object));
}

struct Scenario {
	const char* name;
	void (*prepare)(Diary&);
	void (*run)(Diary&);
};

constexpr Scenario SCENARIOS[] = {
    {"join", nothing, join_only},
    {"join by send", nothing, send_some},
    {"send", join_only, send_some},
    {"get one", join_only, take_one},
    {"get a batch", join_only, take_batch},
    {"send and get", join_only, send_and_take},
    {"post bytes", join_only, post_some},
    {"post and get bytes", join_only, post_and_take},
    {"associate", join_only, associate_idle},
    {"associate again", join_only, associate_twice},
    {"associate what is ready", join_only, associate_ready},
    {"dissociate", with_association, dissociate},
    {"close what is associated", with_association, close_associated},
    {"alert", join_only, alert_on},
    {"alert and leave it", join_only, alert_on_off},
    {"wait", join_only, wait_in_vain},
    {"wait in the kernel", join_only, wait_leading},
    {"a library's events for all", join_only, share_from_library},
    {"a library's events for itself", join_only, keep_in_library},
    {"close the port", with_association, close_port},
    {"a timer", join_only, timer},
    {"a file", join_only, file},
    {"repair", torn, send_some},
    {"repair with an association", torn_with_association, post_when_torn},
};

// --- What the survivor must find.

bool readable() {
	pollfd seen{port, POLLIN, 0};
	return poll(&seen, 1, 0) == 1 && seen.revents & POLLIN;
}

void send_later(uint64_t number) { EQUAL(port_send(port, 1, cookie(LATER + number)), 0); }

struct OneMessage final : evp::ByteSink {
	unsigned char bytes[LENGTH];
	uint32_t length = 0;
	void* room(uint32_t, uint32_t announced) override {
		EQUAL(announced, LENGTH);
		length = announced;
		return bytes;
	}
};

// What is queued; bytes are the ones that were posted.
std::vector<uint64_t> drain() {
	std::vector<uint64_t> found;
	evp::PortRef ref = evp::registry::known(port);
	evp::Event event;
	for (OneMessage message; ref->try_get(&event, 1, 1, &message).count == 1; message.length = 0) {
		CHECK(event.source == PORT_SOURCE_USER || event.source == LIBRARY);
		found.push_back(event.user);
		for (uint32_t i = 0; i < message.length; i++) EQUAL(message.bytes[i], event.user & 0xff);
	}
	return found;
}

// Nothing twice, nothing gone but what the dead one was just being given; in order.
void check_messages(const Diary& diary, std::vector<uint64_t> found, uint64_t later) {
	std::set<uint64_t> all;
	for (uint64_t number : found) CHECK(all.insert(number).second);
	for (uint32_t i = 0; i < diary.taken; i++)
		if (diary.got[i] != FD_THEIRS) CHECK(all.insert(diary.got[i]).second);
	uint32_t missing = 0;
	for (uint64_t i = 0; i < BEFORE; i++) missing += !all.count(OURS + i);
	for (uint64_t i = 0; i < diary.sent; i++) missing += !all.count(THEIRS + i);
	CHECK(missing <= diary.taking);
	for (uint64_t i = 0; i < later; i++) CHECK(all.count(LATER + i));
	for (uint64_t number : all) {
		bool ours = number >= OURS && number < OURS + BEFORE;
		bool theirs = number >= THEIRS && number < THEIRS + diary.sending;
		CHECK(ours || theirs || (number >= LATER && number < LATER + later));
	}
}

void check_order(const std::vector<uint64_t>& found) {
	for (uint64_t base : {OURS, THEIRS, LATER}) {
		uint64_t last = 0;
		for (uint64_t number : found) {
			if (number < base || number >= base + 1000) continue;
			CHECK(number >= last);
			last = number;
		}
	}
}

// The port as if nothing had happened: descriptors, level, each of its slots and blocks.
void check_port() {
	EQUAL(write(mine[1], "x", 1), 1);
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
	EQUAL(event.portev_source, PORT_SOURCE_FD);
	EQUAL(number_of(event), FD_OURS);
	EQUAL(port_get(port, &event, &NONE), -1);
	CHECK(!readable());
	associate(mine, FD_OURS);
	CHECK(readable());
	EQUAL(port_get(port, &event, nullptr), 0);
	EQUAL(port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(mine[0])), -1);
	EQUAL(errno, ENOENT);

	port_info_t info = info_of(port);
	EQUAL(info.pi_queued, 0);
	EQUAL(info.pi_slots, 0);
	EQUAL(info.pi_members, 1);
	EQUAL(info.pi_waiters, 0);
	EQUAL(info.pi_alert, 0);
	uint32_t sent = 0;
	int rc;
	while ((rc = post(LATER + sent)) == 0) sent++; // each of its blocks, too
	EQUAL(rc, EAGAIN);
	EQUAL(sent, LIMIT);
	CHECK(readable());
	std::vector<uint64_t> found = drain();
	EQUAL(found.size(), sent);
	for (uint64_t i = 0; i < sent; i++) EQUAL(found[i], LATER + i);
	CHECK(!readable());
	info = info_of(port);
	EQUAL(info.pi_slots, 0);
	EQUAL(info.pi_queued, 0);
}

void make_port() {
	CHECK((port = port_create_limit(LIMIT, 0)) >= 0);
	lock_word = evp::registry::known(port)->region().header().lock.word.word();
	for (auto* pair : {mine, other, spare}) EQUAL(pipe(pair), 0);
	for (uint64_t i = 0; i < BEFORE; i++) EQUAL(port_send(port, 1, cookie(OURS + i)), 0);
	associate(mine, FD_OURS);
}

void unmake_port() {
	EQUAL(port_close(port), 0);
	for (auto* pair : {mine, other, spare})
		for (int i = 0; i < 2; i++) close(pair[i]);
}

struct Where {
	const Diary& diary;
	const char* name;
	uint32_t store;
};
const Where* where = nullptr;

void say_where() {
	if (where)
		fprintf(stderr, "      in \"%s\", dead at store %u, %s:%d\n", where->name, where->store,
		        where->diary.file, where->diary.line);
}

void leave_alert() {
	// Alert mode goes with the process that set it, if it died inside; else it is ours to leave.
	EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0);
}

// The survivor comes after the death.
bool comes_later(const Scenario& scenario, uint32_t store, Diary& diary) {
	make_port();
	Where here{diary, scenario.name, store};
	where = &here;
	bool died = dies_at(store, diary, scenario.prepare, scenario.run);
	allocating = false;
	send_later(0);
	allocating = true;
	if (!died) leave_alert();
	send_later(1);
	std::vector<uint64_t> found = drain();
	check_order(found);
	check_messages(diary, found, 2);
	check_port();
	unmake_port();
	return died;
}

// Survivors that wait while it dies: one leads, one follows, neither satisfied.
bool waits_already(const Scenario& scenario, uint32_t store, Diary& diary) {
	constexpr unsigned WANTED[] = {30, 31};
	constexpr uint64_t LATER_SENT = 96; // enough for both, however much the first takes
	make_port();
	Where here{diary, scenario.name, store};
	where = &here;
	std::vector<uint64_t> found[2];
	std::vector<std::thread> waiters;
	for (int w = 0; w < 2; w++) {
		waiters.emplace_back([&, w] {
			port_event_t list[40];
			for (bool fed = false; !fed;) {
				unsigned got = WANTED[w];
				EQUAL(port_getn(port, list, 40, &got, nullptr), 0);
				if (list[0].portev_source == PORT_SOURCE_ALERT) continue;
				CHECK(got >= WANTED[w]);
				for (unsigned i = 0; i < got; i++)
					if (number_of(list[i]) != FD_THEIRS) // ours to have as well (11.1)
						found[w].push_back(number_of(list[i]));
				fed = true;
			}
		});
	}
	while (info_of(port).pi_waiters != 2) sched_yield();
	bool died = dies_at(store, diary, scenario.prepare, scenario.run);
	if (!died) leave_alert();
	for (uint64_t i = 0; i < LATER_SENT; i++) send_later(i);
	for (std::thread& waiter : waiters) waiter.join();
	std::vector<uint64_t> all = drain();
	for (auto& part : found) {
		check_order(part);
		all.insert(all.end(), part.begin(), part.end());
	}
	check_messages(diary, all, LATER_SENT);
	check_port();
	unmake_port();
	return died;
}

int body() {
	Diary& diary = shared_diary();
	explain = say_where;
	uint32_t offset = 0;
	struct Family {
		const char* name;
		bool (*run)(const Scenario&, uint32_t, Diary&);
	};
	constexpr Family FAMILIES[] = {{"comes later", comes_later}, {"waits already", waits_already}};
	for (const Family& family : FAMILIES) {
		for (const Scenario& scenario : SCENARIOS) {
			uint32_t store = 1 + offset++ % stride;
			uint32_t deaths = 0;
			for (; family.run(scenario, store, diary); store += stride) deaths++;
			passed += static_cast<int>(deaths) + 1;
			printf("ok    a survivor %s, the other dies at %u of its stores: %s\n", family.name, deaths,
			       scenario.name);
		}
	}
	say_places();
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

void* operator new(size_t size) {
	CHECK(allocating);
	void* memory = malloc(size);
	CHECK(memory);
	return memory;
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
	CHECK(allocating);
	return malloc(size);
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }

// repair [N]: at every Nth store only, beginning with another in each scenario. Without N at every
// fourth, or at each if EVENT_PORTS_FULL is set (npm run test:kill).
int main(int argc, char** argv) {
	stride = getenv("EVENT_PORTS_FULL") ? 1 : 4;
	if (argc == 2) stride = static_cast<uint32_t>(std::max(1, atoi(argv[1])));
	return watched(body);
}
