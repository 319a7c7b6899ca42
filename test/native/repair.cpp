// A process dies at every store it makes to a port, one after the other: what
// survives goes on, loses nothing but what the dead one had in hand, and counts
// right. Two families: a survivor that comes later, and one that waits already.

#include "scenarios.hpp"

#include <algorithm>
#include <new>
#include <poll.h>
#include <set>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace test;

namespace {

// Repair may run in a signal handler over malloc.
bool allocating = true;

uint32_t stride = 1;
const char* chosen = nullptr;
std::atomic<uint32_t>* cases = nullptr; // that passed, in all lanes
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

bool is_message(uint32_t source) { return source == PORT_SOURCE_USER || source == LIBRARY; }

// What is queued; bytes are the ones that were posted. Of descriptors and timers only the
// survivor's own, each once.
std::vector<uint64_t> drain() {
	std::vector<uint64_t> found;
	std::set<uint64_t> own;
	evp::PortRef ref = evp::registry::known(port);
	evp::Event event;
	for (OneMessage message; ref->try_get(&event, 1, 1, &message).count == 1; message.length = 0) {
		if (!is_message(event.source)) {
			CHECK(event.user != THEIR_OWN);
			CHECK(own.insert(event.user).second);
			continue;
		}
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
		if (diary.got[i] >= OURS) CHECK(all.insert(diary.got[i]).second);
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
	// A dead event loop that was rung keeps it readable until somebody who comes looks up.
	do EQUAL(port_get(port, &event, &NONE), -1);
	while (readable());
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

void make_port(const Scenario& scenario) {
	CHECK((port = port_create_limit(LIMIT, 0)) >= 0);
	lock_word = evp::registry::known(port)->region().header().lock.word.word();
	for (auto* pair : {mine, other, spare}) EQUAL(pipe(pair), 0);
	for (uint64_t i = 0; i < BEFORE; i++) EQUAL(port_send(port, 1, cookie(OURS + i)), 0);
	if (!scenario.bare) associate(mine, FD_OURS);
	if (scenario.before) scenario.before();
}

void set_right(const Scenario& scenario) {
	if (scenario.after) scenario.after();
	if (scenario.bare) associate(mine, FD_OURS);
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
	make_port(scenario);
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
	set_right(scenario);
	check_port();
	unmake_port();
	return died;
}

// Survivors that wait while it dies: one leads, one follows, neither satisfied.
bool waits_already(const Scenario& scenario, uint32_t store, Diary& diary) {
	constexpr unsigned WANTED[] = {30, 31};
	constexpr uint64_t LATER_SENT = 96; // enough for both, however much the first takes
	make_port(scenario);
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
					if (is_message(list[i].portev_source)) // a descriptor's may be ours as well (11.1)
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
	set_right(scenario);
	check_port();
	unmake_port();
	return died;
}

using Family = bool (*)(const Scenario&, uint32_t, Diary&);

void run(const Scenario& scenario, const char* family, Family dies, Diary& diary, uint32_t store) {
	uint32_t deaths = 0;
	while (deaths < scenario.most && dies(scenario, store, diary)) {
		deaths++;
		store += stride;
	}
	if (deaths == scenario.most) CHECK(!dies(scenario, 0, diary));
	*cases += deaths + 1;
	printf("ok    a survivor %s, the other dies at %u of its stores: %s\n", family, deaths, scenario.name);
}

// Deaths are waited for more than worked for.
constexpr uint32_t LANES = 6;

void run_lane(uint32_t lane) {
	Diary& diary = shared_diary();
	explain = say_where;
	uint32_t number = 0;
	for (const auto& scenarios : {messages(), waiting(), membership(), other_sources()}) {
		for (const Scenario& scenario : scenarios) {
			uint32_t store = 1 + number % stride;
			if (number++ % LANES != lane || (chosen && !strstr(scenario.name, chosen))) continue;
			if (scenario.survivor & COMES_LATER) run(scenario, "comes later", comes_later, diary, store);
			if (scenario.survivor & WAITS_ALREADY) run(scenario, "waits already", waits_already, diary, store);
		}
	}
}

int body() {
	void* memory = mmap(nullptr, sizeof *cases, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	cases = static_cast<std::atomic<uint32_t>*>(memory);
	// A place that only threads reach which meet there by chance may see no death the first time.
	constexpr int ROUNDS = 4;
	bool well = in_lanes(LANES, run_lane);
	for (int i = 1; i < ROUNDS && well && !chosen && stride == 1 && !died_everywhere(); i++) well = in_lanes(LANES, run_lane);
	if (well && !chosen) well = check_places(stride == 1);
	printf("%u passed, %d failed, 0 skipped\n", cases->load(), well ? 0 : 1);
	return well ? 0 : 1;
}

// A new image of one that is to die.
int go_on(char** arguments) {
	const char* role;
	int argument;
	Diary& diary = continued(arguments, &role, &argument);
	port = strcmp(role, "ticket") == 0 ? port_attach(argument) : argument;
	announce_send(diary, 2);
	announce_take(diary, 16);
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

// repair [N [SCENARIO]]: at every Nth store only, beginning with another in each scenario. Without
// N at every fourth, or at each if EVENT_PORTS_FULL is set (npm run test:kill). Only scenarios
// with that in their names.
int main(int argc, char** argv) {
	if (argc == 6 && strcmp(argv[1], "--go-on") == 0) return go_on(argv + 2);
	stride = getenv("EVENT_PORTS_FULL") ? 1 : 4;
	if (argc >= 2) stride = static_cast<uint32_t>(std::max(1, atoi(argv[1])));
	if (argc >= 3) chosen = argv[2];
	return watched(body);
}
