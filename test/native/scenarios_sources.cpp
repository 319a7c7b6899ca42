// Scenarios of timers, files, asynchronous I/O, message queues and libraries' sources.

#include "scenarios.hpp"

#include <aio.h>
#include <csignal>
#include <fcntl.h>
#include <mqueue.h>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace test {

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

namespace {

sigevent told_by_port(port_notify_t& notify, uint64_t user) {
	notify = {port, cookie(user)};
	sigevent event{};
	event.sigev_notify = SIGEV_PORT;
	event.sigev_value.sival_ptr = &notify;
	return event;
}

} // namespace

timer_t make_timer(uint64_t user, timespec first, timespec interval) {
	port_notify_t notify;
	sigevent event = told_by_port(notify, user);
	timer_t id;
	itimerspec value{interval, first};
	EQUAL(port_timer_create(CLOCK_MONOTONIC, &event, &id), 0);
	EQUAL(port_timer_settime(id, 0, &value, nullptr), 0);
	return id;
}

namespace {

// --- Libraries' sources, and events dispatched for them.

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
	port_slot_t kept = reserve(source, PORT_SLOT_KEEP, THEIR_OWN);
	EQUAL(port_slot_post(kept, 1), 0);
	EQUAL(port_slot_post(kept, 2), 0); // one event
	EQUAL(port_slot_post(reserve(source, 0, THEIR_OWN), 1), 0);
	announce_take(diary, 16);
	EQUAL(port_slot_post(kept, 1), 0);
	EQUAL(port_slot_release(kept), 0);
	(void)reserve(source, 0, THEIR_OWN);
	EQUAL(port_source_close(source), 0);
}

void dispatch_once() { EQUAL(port_dispatch(port, 0, PORT_SOURCE_AIO, 1, 0, cookie(THEIR_OWN)), 0); }
void dispatch(Diary& diary) {
	dispatch_once();
	announce_take(diary, 16);
}
void fill(Diary& diary) {
	join(diary);
	port_source_t source = open_source();
	for (uint32_t used = info_of(port).pi_slots; used < LIMIT; used++) (void)reserve(source, 0, THEIR_OWN);
}
void dispatch_at_limit(Diary& diary) { // waits for the slot that the other thread gives back
	std::thread waiting(dispatch_once);
	await([] { return here()->region().header().slot_waiters.load() != 0; });
	announce_take(diary, 1);
	waiting.join();
}

// --- Timers.

void timer(Diary&) {
	timer_t id = make_timer(THEIR_OWN, {0, 1});
	for (int i = 0; i < 3; i++) collect();
	itimerspec value{{}, {0, 1}};
	EQUAL(port_timer_settime(id, 0, &value, nullptr), 0);
	EQUAL(port_timer_delete(id), 0);
}
void periodic_timer(Diary& diary) {
	(void)make_timer(THEIR_OWN, {0, 1}, {0, 1000});
	announce_take(diary, 16, BEFORE + 1, nullptr);
	announce_take(diary, 16, 1, nullptr);
}

// Only its owner can read a private descriptor: the survivor's timer, found by the other.
timer_t timer_of_ours;
void arm_timer_of_ours() { timer_of_ours = make_timer(TIMER_OURS, {0, 1}); }
void delete_timer_of_ours() { EQUAL(port_timer_delete(timer_of_ours), 0); }
void find_anothers(Diary&) { collect(); }
// And the other way round.
void be_told_by_another(Diary& diary) {
	(void)make_timer(THEIR_OWN, {0, 1});
	(void)helped_by(collect);
	await([] { return here()->region().header().foreign.load() != 0; });
	announce_take(diary, 16, BEFORE + 1, nullptr);
}

// --- Files.

std::string path;
void make_file() {
	path = P_tmpdir "/event-ports-kill.XXXXXX";
	int file = mkstemp(path.data());
	CHECK(file >= 0);
	close(file);
}
void remove_file() { (void)unlink(path.c_str()); }

void watch(file_obj_t& object, int events, bool changed) {
	struct stat now;
	EQUAL(stat(path.c_str(), &now), 0);
	object = {};
	object.fo_name = path.data();
	if (!changed) {
		object.fo_atime = now.st_atim;
		object.fo_mtime = now.st_mtim;
		object.fo_ctime = now.st_ctim;
	}
	EQUAL(port_associate(port, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&object), events, cookie(THEIR_OWN)), 0);
}
void file_changed_before(Diary&) {
	file_obj_t object;
	for (int i = 0; i < 2; i++) watch(object, FILE_MODIFIED, true); // the stamps differ: an event at once
	(void)port_dissociate(port, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&object));
}
void file_changes(Diary& diary) {
	file_obj_t object;
	watch(object, FILE_MODIFIED, false);
	EQUAL(truncate(path.c_str(), 10), 0);
	collect();
	announce_take(diary, 16);
	watch(object, FILE_MODIFIED, false);
	EQUAL(truncate(path.c_str(), 20), 0);
	collect();
	EQUAL(unlink(path.c_str()), 0); // an exception, in place of what is queued
	collect();
	announce_take(diary, 16);
}
void file_goes(Diary& diary) {
	file_obj_t object;
	watch(object, FILE_MODIFIED, false);
	EQUAL(unlink(path.c_str()), 0);
	collect();
	announce_take(diary, 16);
}

// --- Asynchronous I/O and message queues.

void read_asynchronously(Diary& diary) {
	static port_notify_t notify;
	static aiocb request{};
	static char byte;
	make_ready(other);
	request.aio_fildes = other[0];
	request.aio_buf = &byte;
	request.aio_nbytes = 1;
	request.aio_sigevent = told_by_port(notify, THEIR_OWN);
	EQUAL(port_aio_read(&request), 0);
	announce_take(diary, 16, BEFORE + 1, nullptr);
	EQUAL(port_aio_return(&request), 1);
	request.aio_fildes = spare[0]; // nothing comes
	EQUAL(port_aio_read(&request), 0);
}
void notify_of_message(Diary& diary) {
	port_notify_t notify;
	sigevent event = told_by_port(notify, THEIR_OWN);
	mq_attr attributes{};
	attributes.mq_maxmsg = 4;
	attributes.mq_msgsize = 16;
	std::string name = "/event-ports-kill." + std::to_string(getpid());
	mqd_t queue = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attributes);
	CHECK(queue != -1);
	EQUAL(mq_unlink(name.c_str()), 0);
	EQUAL(port_mq_notify(queue, &event), 0);
	EQUAL(mq_send(queue, "a", 1, 0), 0);
	announce_take(diary, 16, BEFORE + 1, nullptr);
	char message[16];
	EQUAL(mq_receive(queue, message, sizeof message, nullptr), 1);
	EQUAL(port_mq_notify(queue, &event), 0); // nothing comes
}

// --- What a process does not believe of its own slots, because a peer may scribble on them.

// The oldest event of this process alone.
evp::shm::Slot& oldest() {
	evp::PortRef ref = here();
	return ref->region().slot(ref->region().member(ref->member()).queue.head.load());
}
template <class T, class U>
void overwrite(const evp::shm::Cell<T>& cell, U value) { // no store that counts
	const_cast<std::atomic<T>*>(cell.word())->store(static_cast<T>(value));
}
void scribbled_timer(Diary& diary) {
	(void)make_timer(THEIR_OWN, {0, 1});
	collect();
	collect();
	overwrite(oldest().object, 0x7fffffff);
	announce_take(diary, 16);
}
void scribbled_library(Diary& diary) {
	EQUAL(port_slot_post(reserve(open_source(), 0, THEIR_OWN), 1), 0);
	overwrite(oldest().link, 0x7fffffff);
	announce_take(diary, 16);
}
// The survivor's descriptor is ready, and nothing was asked of it.
void make_ours_ready() { make_ready(mine); }
void scribbled_descriptor(Diary&) {
	evp::PortRef ref = here();
	uint32_t index = ref->region().bucket(static_cast<uint64_t>(mine[0])).load();
	overwrite(ref->region().slot(index).asked, 0);
	collect();
}
void arm_ours() { associate(mine, FD_OURS); }

} // namespace

std::vector<Scenario> other_sources() {
	return {
	    {"a library's events for all", join, share_from_library},
	    {"a library's events for itself", join, keep_in_library},
	    {"dispatch", join, dispatch},
	    {"dispatch at the limit", fill, dispatch_at_limit, EITHER_OF_THREADS},
	    {"a timer", join, timer},
	    {"a periodic timer", join, periodic_timer},
	    {"find the survivor's timer", join, find_anothers, COMES_LATER, arm_timer_of_ours, delete_timer_of_ours},
	    {"be told of one's timer by another", join, be_told_by_another, COMES_LATER},
	    {"a file that changed before", join, file_changed_before, EITHER, make_file, remove_file},
	    {"a file that changes and goes", join, file_changes, EITHER, make_file, remove_file},
	    {"a file that goes", join, file_goes, EITHER, make_file, remove_file},
	    {"asynchronous reads", join, read_asynchronously},
	    {"a message queue", join, notify_of_message},
	    {"a timer that was scribbled on", join, scribbled_timer},
	    {"a library's slot that was scribbled on", join, scribbled_library},
	    {"a descriptor's slot that was scribbled on", join, scribbled_descriptor, COMES_LATER, make_ours_ready, arm_ours},
	};
}

} // namespace test
