// Steps of scenarios, and those of messages and descriptors.

#include "scenarios.hpp"

#include <array>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

int port = -1;
int mine[2], other[2], spare[2];

evp::PortRef here() {
	int error = 0;
	evp::PortRef ref = evp::registry::find(port, &error);
	CHECK(ref);
	return ref;
}

void join(Diary&) { EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0); }

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

void announce_take(Diary& diary, unsigned max, unsigned wanted, const timespec* timeout) {
	std::array<port_event_t, 128> list;
	CHECK(max <= list.size());
	diary.taking = max;
	unsigned got = wanted;
	int rc = port_getn(port, list.data(), max, &got, timeout);
	if (rc != 0 && errno == EINTR)
		got = 0; // nget stays (2.5.10)
	else if (rc != 0)
		EQUAL(errno, ETIME);
	for (unsigned i = 0; i < got; i++)
		if (list[i].portev_source != PORT_SOURCE_ALERT) diary.got[diary.taken++] = number_of(list[i]);
	diary.taking = 0;
}

void collect() {
	unsigned queued = 0;
	EQUAL(port_getn(port, nullptr, 0, &queued, nullptr), 0);
}

void associate(const int (&pair)[2], uint64_t user) {
	EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pair[0]), POLLIN, cookie(user)), 0);
}

void make_ready(const int (&pair)[2]) { EQUAL(write(pair[1], "x", 1), 1); }

void await_waiter(const std::atomic<uint32_t>& tid, uint32_t bits) {
	evp::PortRef ref = here();
	evp::shm::Region& region = ref->region();
	await([&] {
		for (uint32_t i = 1; i < region.header().waiter_fresh.load(); i++) {
			evp::shm::Waiter& waiter = region.waiter(i);
			if (waiter.kind.load() == evp::shm::WaiterKind::THREAD && waiter.tid.load() == tid.load() &&
			    waiter.word.load() & bits)
				return true;
		}
		return false;
	});
}

void stopped(pid_t pid) {
	int status = 0;
	EQUAL(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
}

namespace {

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

void associate_idle(Diary&) { associate(other, THEIR_OWN); }
void associate_twice(Diary&) {
	associate(other, THEIR_OWN);
	associate(other, THEIR_OWN);
}
void associate_ready(Diary& diary) {
	make_ready(spare);
	associate(spare, THEIR_OWN);
	announce_send(diary, 1); // what was ready comes first: this collects
	associate(spare, THEIR_OWN);
	announce_take(diary, 16);
}
void associate_file(Diary& diary) { // no poll method: an event at once
	int file = open("/proc/self/exe", O_RDONLY);
	EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(file), POLLIN, cookie(THEIR_OWN)), 0);
	announce_take(diary, 16);
}
void dissociate(Diary&) { (void)port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(other[0])); }
void with_association(Diary& diary) {
	join(diary);
	associate(other, THEIR_OWN);
}
void close_associated(Diary&) { EQUAL(port_fd_close(other[0]), 0); }
void close_port(Diary&) { EQUAL(port_close(port), 0); }

void with_nothing_queued(Diary& diary) {
	join(diary);
	announce_take(diary, 16);
}
// What it finds ready goes by the queue; then those retrieved are armed again.
void take_directly(Diary& diary) {
	make_ready(other);
	make_ready(spare);
	associate(other, THEIR_OWN);
	associate(spare, THEIR_OWN);
	announce_take(diary, 2, 1);
	associate(other, THEIR_OWN);
	port_assoc_t list[2]{};
	list[0].pa_object = static_cast<uintptr_t>(spare[0]);
	list[1].pa_object = static_cast<uintptr_t>(mine[1]);
	list[0].pa_events = list[1].pa_events = POLLIN;
	list[0].pa_user = list[1].pa_user = cookie(THEIR_OWN);
	EQUAL(port_associate_list(port, list, 2), 2);
}

// Two numbers in one bucket of the table; the one further from its head goes.
void dissociate_in_chain(Diary& diary) {
	uint32_t apart = here()->region().bucket_count();
	int far = dup2(spare[0], other[0] + static_cast<int>(apart));
	EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(far), POLLIN, cookie(THEIR_OWN)), 0);
	dissociate(diary);
}
// Two events are queued, the later one goes.
void with_two_queued(Diary& diary) {
	join(diary);
	for (auto* pair : {&other, &spare}) {
		associate(*pair, THEIR_OWN);
		make_ready(*pair);
		collect();
	}
}
void dissociate_last(Diary& diary) {
	associate(spare, THEIR_OWN);
	collect();
	(void)port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(spare[0]));
	announce_take(diary, 16);
}

// Full, and one association's descriptor was closed where no one saw it.
void fill_behind_closed(Diary& diary) {
	with_association(diary);
	port_source_t source = open_source();
	port_slot_t slot = 0;
	while (port_slot_reserve(source, 0, 0, cookie(THEIR_OWN), nullptr, &slot) == 0) {}
	EQUAL(errno, EAGAIN);
	syscall(SYS_close, other[0]);
}
void send_when_full(Diary& diary) { // some slots are looked through at each call
	diary.sending++;
	while (port_send(port, 9, cookie(THEIRS)) != 0) EQUAL(errno, EAGAIN);
	diary.sent++;
	EQUAL(port_send(port, 9, nullptr), -1);
	EQUAL(errno, EAGAIN);
}

// --- What the survivor's descriptors report is for the other to have, too.

void make_ours_ready() {
	make_ready(mine);
	collect();
}
void arm_ours() { associate(mine, FD_OURS); }
void take_ours(Diary& diary) {
	announce_take(diary, 16);
	announce_take(diary, 16);
}

std::vector<int> many;
void make_many_ready() {
	make_ready(mine);
	for (uint64_t i = 0; i < evp::Others::MOST + 2; i++) {
		int copy = dup(mine[0]);
		CHECK(copy >= 0);
		many.push_back(copy);
		EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(copy), POLLIN, cookie(FD_MANY + i)), 0);
	}
	collect();
}
void take_many(Diary& diary) {
	most_of_a_place = 4;
	for (int i = 0; i < 3; i++) announce_take(diary, 100);
}
void close_many() {
	for (int copy : many) EQUAL(port_fd_close(copy), 0);
	many.clear();
	arm_ours();
}

// The number was another file when the events were looked at.
void with_number_of_another_file(Diary& diary) {
	join(diary);
	int copy = dup(mine[0]);
	EQUAL(dup2(other[0], mine[0]), mine[0]);
	announce_take(diary, 16);
	EQUAL(dup2(copy, mine[0]), mine[0]);
}
void replace_number(Diary& diary) {
	evp::registry::number_replaced(); // as the wrapped dup2 says
	announce_take(diary, 16);
}

} // namespace

std::vector<Scenario> messages() {
	return {
	    {"join by send", nothing, send_some},
	    {"send", join, send_some},
	    {"get one", join, take_one},
	    {"get a batch", join, take_batch},
	    {"send and get", join, send_and_take},
	    {"post bytes", join, post_some},
	    {"post and get bytes", join, post_and_take},
	    {"associate", join, associate_idle},
	    {"associate again", join, associate_twice},
	    {"associate what is ready", join, associate_ready},
	    {"associate the first descriptor", join, associate_idle, EITHER, nullptr, nullptr, true},
	    {"associate a regular file", join, associate_file},
	    {"get what is ready, and associate it again", with_nothing_queued, take_directly},
	    {"dissociate", with_association, dissociate},
	    {"dissociate what shares a bucket", with_association, dissociate_in_chain},
	    {"dissociate what is queued", with_two_queued, dissociate_last},
	    {"close what is associated", with_association, close_associated},
	    {"close the port", with_association, close_port},
	    {"send at the limit", fill_behind_closed, send_when_full},
	    {"get what the survivor associated", join, take_ours, EITHER, make_ours_ready, arm_ours},
	    {"get much of what the survivor associated", join, take_many, COMES_LATER, make_many_ready, close_many},
	    {"get it once a number is right", with_number_of_another_file, replace_number, COMES_LATER,
	     make_ours_ready, arm_ours},
	};
}

} // namespace test
