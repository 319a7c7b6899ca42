// A word of the lock that says nobody's name: scribbled by a peer, and then calls go on all the same
// (design rule 7), or of a thread that was stopped before it could say it, or after it said no
// more, and then nobody takes it away.

#include "support.hpp"

#include "core/registry.hpp"

#include <csignal>
#include <fcntl.h>
#include <functional>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace test;

namespace {

constexpr uint32_t NO_THREAD = 1u << 22; // beyond all ids (PID_MAX_LIMIT)

int port = -1;
evp::shm::LockWords* words = nullptr;
evp::shm::Member* member = nullptr; // the second to join
thread_local void (*at_store)(const char* file) = nullptr;

void make_port() {
	CHECK((port = port_create()) >= 0);
	evp::shm::Region& region = evp::registry::known(port)->region();
	words = &region.header().lock;
	member = &region.member(2);
}

uint32_t own_id() { return static_cast<uint32_t>(syscall(SYS_gettid)); }
bool inside() { return (words->word.load() & FUTEX_TID_MASK) == own_id(); }

// --- Scribbled.

constexpr uint32_t named(uint32_t member, uint32_t tid) { return member | tid << evp::shm::HOLDER_TID_SHIFT; }

void goes_on_after(const char* what, void (*scribble)()) {
	make_port();
	EQUAL(port_send(port, 1, nullptr), 0);
	scribble();
	EQUAL(port_send(port, 2, nullptr), 0);
	port_event_t event;
	for (int events : {1, 2}) {
		EQUAL(port_get(port, &event, nullptr), 0);
		EQUAL(event.portev_events, events);
	}
	scribble();
	EQUAL(port_close(port), 0);
	done(what);
}

void scribbled() {
	goes_on_after("a word of no thread, and no holder", [] {
		words->favoured.store(evp::shm::FOR_ALL);
		words->holder.store(0);
		words->word.store(NO_THREAD);
	});
	goes_on_after("a word of a thread that has nothing to do with the port", [] {
		words->favoured.store(evp::shm::FOR_ALL);
		words->holder.store(0);
		words->word.store(1); // init
	});
	goes_on_after("a word of nobody that somebody waits for", [] {
		words->favoured.store(evp::shm::FOR_ALL);
		words->holder.store(0);
		words->word.store(FUTEX_WAITERS);
	});
	goes_on_after("a holder that is a thread of this process, which is not inside", [] {
		words->favoured.store(evp::shm::FOR_ALL);
		words->holder.store(named(1, own_id()));
		words->word.store(own_id());
	});
	goes_on_after("a word of another than the holder", [] {
		words->favoured.store(evp::shm::FOR_ALL);
		words->holder.store(named(1, own_id()));
		words->word.store(NO_THREAD);
	});
	goes_on_after("favoured, and inside: a thread of no member", [] {
		words->favoured.store(named(1, NO_THREAD - 1));
		words->within.store(named(0, 5));
	});
}

// A waiter that is nobody: who closes the port waits until its waiters have left.
void scribbled_waiter() {
	goes_on_after("a waiter that is no thread", [] {
		evp::shm::Region& region = evp::registry::known(port)->region();
		evp::shm::Waiter& waiter = region.waiter(1);
		waiter.number.store(port);
		waiter.member.store(1);
		waiter.tid.store(NO_THREAD);
		waiter.wanted.store(1000);
		waiter.next.store(0);
		waiter.kind.store(evp::shm::WaiterKind::THREAD);
		region.header().waiter_first.store(1);
		region.header().waiter_count.store(1);
	});
}

// Nor by what the scribbler left of the others' records: who they are is known to the kernel.
void scribbled_records() {
	int ready[2], gate[2];
	EQUAL(pipe(ready), 0);
	EQUAL(pipe(gate), 0);
	make_port();
	EQUAL(port_send(port, 0, nullptr), 0);
	auto scribble = [](void (*record)()) {
		record();
		words->favoured.store(evp::shm::FOR_ALL);
		words->holder.store(0);
		words->word.store(NO_THREAD);
		EQUAL(port_send(port, 0, nullptr), 0);
	};
	for (auto record : {+[] { member->pid_space.store(member->pid_space.load() ^ 1); },
	                    +[] { member->pid.store(1); }, +[] { member->state.store(evp::shm::MemberState::LIVE); }}) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		char byte = 0;
		if (pid == 0) {
			EQUAL(port_send(port, 0, nullptr), 0);
			EQUAL(write(ready[1], &byte, 1), 1);
			EQUAL(read(gate[0], &byte, 1), 1);
			_exit(0);
		}
		EQUAL(read(ready[0], &byte, 1), 1);
		scribble(record);
		EQUAL(write(gate[1], &byte, 1), 1);
		int status = 0;
		EQUAL(waitpid(pid, &status, 0), pid);
		EQUAL(status, 0);
	}
	scribble([] { member->state.store(evp::shm::MemberState::LIVE); }); // of nobody
	// One inside who is not the favoured one, of a member that is nobody.
	member->locked.store(0);
	member->pid_space.store(0);
	member->state.store(evp::shm::MemberState::LIVE);
	for (uint32_t tid : {0u, NO_THREAD - 1}) {
		words->favoured.store(named(1, NO_THREAD - 2));
		words->within.store(named(2, tid));
		EQUAL(port_send(port, 0, nullptr), 0);
	}
	// A death mark whose holder is a member that lives, and no thread of it.
	words->holder.store(named(1, 0));
	words->word.store(FUTEX_OWNER_DIED);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(20);
		EQUAL(port_send(port, 0, nullptr), 0);
		_exit(0);
	}
	int status = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, 0);
	EQUAL(port_close(port), 0);
	for (int fd : {ready[0], ready[1], gate[0], gate[1]}) close(fd);
	done("a word of nobody, and records that say nothing true");
}

// --- What a thread does that waits: a word is left to whoever may hold it.

struct Judge final : evp::shm::Liveness {
	int asked = 0;
	bool holder_gone(uint32_t, uint32_t, bool) override { return false; }
	bool may_hold(uint32_t tid) override {
		EQUAL(tid, NO_THREAD);
		return ++asked < 3;
	}
};

void left_to_whoever_may_hold_it() {
	void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	auto& own = *static_cast<evp::shm::LockWords*>(memory);
	own.word.store(NO_THREAD);
	Judge judge;
	evp::sys::Thread& me = evp::sys::self();
	CHECK(evp::shm::lock(own, me, 1, judge)); // a death to be made good
	EQUAL(judge.asked, 3);
	evp::shm::unlock(own, me);
	EQUAL(own.word.load(), 0);
	EQUAL(munmap(memory, 4096), 0);
	done("a word that may be somebody's is waited for, however long it stands");
}

// --- Stopped where it has the word, and says nothing.

void stop() {
	at_store = nullptr;
	raise(SIGSTOP);
}
void stop_unsaid(const char*) {
	if (inside() && words->holder.load() == 0) stop();
}
// Says who it is, and is no member yet, or no more.
void stop_joining(const char* file) {
	if (strstr(file, "members.cpp") && inside()) stop();
}
void stop_leaving(const char*) {
	if (inside() && member->state.load() == evp::shm::MemberState::FREE) stop();
}

pid_t child(const std::function<void()>& act) {
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		act();
		_exit(0);
	}
	return pid;
}
void ended(pid_t pid) {
	int status = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, 0);
}

bool apart = false; // who waits is in another pid namespace, and without /proc

void lose_proc() {
	EQUAL(chroot("/proc/self/fdinfo"), 0); // a directory without one
	EQUAL(chdir("/"), 0);
}

// The stopped one sends 1 afterwards, who waits for it 2.
void keeps_it(const char* what, const std::function<void()>& stops) {
	make_port();
	EQUAL(port_send(port, 0, nullptr), 0);
	pid_t stopped = child([&] {
		stops();
		if (port >= 0) EQUAL(port_send(port, 1, nullptr), 0);
	});
	int status = 0;
	EQUAL(waitpid(stopped, &status, WUNTRACED), stopped);
	CHECK(WIFSTOPPED(status));
	CHECK(words->word.load() != 0);
	if (apart) EQUAL(unshare(CLONE_NEWPID), 0);
	pid_t waits = child([] {
		if (apart) lose_proc();
		EQUAL(port_send(port, 2, nullptr), 0);
	});
	// Its sleep ends often enough for a word to have stood too long, and each time it looks.
	while (!in_futex(waits)) sched_yield();
	for (long before = sleeps_of(waits); sleeps_of(waits) < before + 15;) {
		EQUAL(waitpid(waits, &status, WNOHANG), 0);
		usleep(1000);
	}
	EQUAL(kill(stopped, SIGCONT), 0);
	ended(stopped);
	ended(waits);
	EQUAL(words->word.load(), 0);
	EQUAL(info_of(port).pi_members, 1);
	EQUAL(port_close(port), 0);
	done(what);
}

void stopped() {
	keeps_it("a member that is stopped before it says who it is", [] {
		EQUAL(port_send(port, 0, nullptr), 0);
		at_store = stop_unsaid;
	});
	keeps_it("a process that joins, stopped before it says who it is", [] { at_store = stop_unsaid; });
	keeps_it("a process that joins, stopped in the middle", [] { at_store = stop_joining; });
	keeps_it("a process that leaves, and is a member no more", [] {
		EQUAL(port_send(port, 0, nullptr), 0);
		at_store = stop_leaving;
		EQUAL(port_close(port), 0);
		port = -1;
	});
}

// --- Who waits while another is stopped inside.

int heard = -1;
void tell(int) { EQUAL(write(heard, "", 1), 1); }

void hears(int signal, const char* what) {
	make_port();
	int ends[2], unused[2];
	EQUAL(pipe(ends), 0);
	EQUAL(pipe(unused), 0);
	heard = ends[1];
	EQUAL(port_send(port, 0, nullptr), 0);
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
	// It leads, and is woken now and then for nothing.
	pid_t waits = child([&] {
		EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(unused[0]), POLLIN, nullptr), 0);
		EQUAL(port_get(port, &event, nullptr), -1);
		EQUAL(errno, EINTR);
	});
	while (info_of(port).pi_waiters != 1) usleep(1000);
	auto woken = [&] {
		for (long before = sleeps_of(waits); sleeps_of(waits) < before + 4;) usleep(1000);
	};
	woken();
	pid_t stopped = child([] {
		EQUAL(info_of(port).pi_members, 3);
		at_store = stop_unsaid;
		EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0);
	});
	int status = 0;
	EQUAL(waitpid(stopped, &status, WUNTRACED), stopped);
	CHECK(WIFSTOPPED(status));
	while (!in_futex(waits)) usleep(1000);
	woken();
	EQUAL(kill(waits, signal), 0);
	char byte;
	if (signal == SIGUSR1)
		EQUAL(read(ends[0], &byte, 1), 1);
	else
		EQUAL(waitpid(waits, &status, 0), waits);
	EQUAL(kill(stopped, SIGCONT), 0);
	if (signal == SIGUSR1)
		ended(waits);
	else
		EQUAL(status, signal);
	ended(stopped);
	EQUAL(port_close(port), 0);
	for (int fd : {ends[0], ends[1], unused[0], unused[1]}) close(fd);
	done(what);
}

void hears_signals() {
	CHECK(signal(SIGUSR1, tell) != SIG_ERR);
	hears(SIGUSR1, "who waits for the lock for long handles signals, which end its call");
	hears(SIGTERM, "who waits for the lock for long can be ended");
}

// Each of them is at the door, and has nothing: they must not wait for one another.
void scribbled_while_processes_join() {
	make_port();
	EQUAL(port_send(port, 0, nullptr), 0);
	words->favoured.store(evp::shm::FOR_ALL);
	words->holder.store(0);
	words->word.store(NO_THREAD);
	pid_t first = child([] { EQUAL(port_send(port, 1, nullptr), 0); });
	pid_t second = child([] { EQUAL(port_send(port, 2, nullptr), 0); });
	ended(first);
	ended(second);
	EQUAL(info_of(port).pi_queued, 3);
	EQUAL(port_close(port), 0);
	done("a word of no thread, while two processes join");
}

// glibc's fork registers the list that the kernel looks at when a thread dies; this is not glibc's.
void dies_in_a_child_by_system_call() {
	make_port();
	EQUAL(port_send(port, 0, nullptr), 0);
	long pid = syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
	CHECK(pid >= 0);
	if (pid == 0) {
		EQUAL(port_send(port, 0, nullptr), 0);
		at_store = [](const char*) {
			if (inside() && words->holder.load() == 0) syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
		};
		(void)port_send(port, 0, nullptr);
		_exit(0);
	}
	int status = 0;
	EQUAL(waitpid(static_cast<pid_t>(pid), &status, 0), pid);
	EQUAL(status, SIGKILL);
	EQUAL(words->word.load(), FUTEX_OWNER_DIED);
	EQUAL(port_send(port, 0, nullptr), 0);
	EQUAL(port_close(port), 0);
	done("a child by the bare system call dies before it says who it is: the kernel marks the word");
}

// Its id means nothing here, and cannot be looked up.
void elsewhere() {
	int held[2], freed[2];
	EQUAL(pipe(held), 0);
	EQUAL(pipe(freed), 0);
	keeps_it("a member in another pid namespace, before it says who it is", [&] {
		static const int tell = held[1], hear = freed[0];
		EQUAL(unshare(CLONE_NEWPID), 0);
		pid_t inner = child([] {
			EQUAL(port_send(port, 0, nullptr), 0);
			at_store = [](const char*) {
				if (!inside() || words->holder.load() != 0) return;
				at_store = nullptr;
				char byte = 0; // the first process of a namespace can't be stopped
				EQUAL(write(tell, &byte, 1), 1);
				EQUAL(read(hear, &byte, 1), 1);
			};
			EQUAL(port_send(port, 1, nullptr), 0);
		});
		char byte = 0;
		EQUAL(read(held[0], &byte, 1), 1);
		raise(SIGSTOP);
		EQUAL(write(freed[1], &byte, 1), 1);
		ended(inner);
		port = -1;
	});
	for (int fd : {held[0], held[1], freed[0], freed[1]}) close(fd);
	apart = true;
	keeps_it("a member of another pid namespace, where neither can tell which it is in", [] {
		lose_proc();
		EQUAL(port_send(port, 0, nullptr), 0);
		at_store = [](const char*) {
			if (inside() && words->holder.load() != 0) stop();
		};
	});
}

bool allowed_elsewhere() {
	int status = 0;
	pid_t pid = child([] {
		if (unshare(CLONE_NEWPID) != 0) _exit(77);
	});
	EQUAL(waitpid(pid, &status, 0), pid);
	return status == 0;
}

// Between an association's place in the region and what the kernel says of it anything may happen.
void ended_while_the_kernel_was_asked() {
	static int fd = -1;
	CHECK((fd = open("/dev/null", O_RDONLY)) >= 0);
	make_port();
	at_store = [](const char* file) { // that FD is in use here, once
		if (!strstr(file, "sources/fd.cpp") || evp::sys::self().critical.load() != 0) return;
		at_store = nullptr;
		EQUAL(port_fd_close(fd), 0);
		EQUAL(port_send(port, 5, nullptr), 0); // has its slot
	};
	EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(fd), POLLIN, nullptr), 0);
	CHECK(at_store == nullptr);
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
	EQUAL(event.portev_source, PORT_SOURCE_USER);
	EQUAL(info_of(port).pi_slots, 0);
	EQUAL(port_close(port), 0);
	close(fd);
	done("an association that ended while the kernel was asked: who has its slot now keeps it");
}

int body() {
	ended_while_the_kernel_was_asked();
	scribbled();
	scribbled_waiter();
	scribbled_records();
	left_to_whoever_may_hold_it();
	stopped();
	hears_signals();
	scribbled_while_processes_join();
	dies_in_a_child_by_system_call();
	bool alone = allowed_elsewhere();
	if (alone) elsewhere(); // last: no child of this process can be made then
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	fflush(stdout);
	if (alone) _exit(0); // whoever looks for leaks at exit needs one
	return 0;
}

} // namespace

extern "C" void evp_killpoint(const char* file, int) {
	if (at_store) at_store(file);
}

int main() { return watched(body); }
