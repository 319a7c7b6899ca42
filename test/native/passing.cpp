// A port that reaches a process by a ticket, or by its bare number over exec.

#include "support.hpp"

#include "core/registry.hpp"

#include <port_linux.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace test;

namespace {

const timespec NONE{};

uint64_t next(int port) {
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
	return number_of(event);
}

void nothing_more(int port) {
	port_event_t event;
	EQUAL(port_get(port, &event, &NONE), -1);
	EQUAL(errno, ETIME);
}

int descriptors() {
	int count = 0;
	for (int fd = 0; fd < 4096; fd++) count += fcntl(fd, F_GETFD) != -1;
	return count;
}

void ended(pid_t pid) {
	int status = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, 0);
}

// This program again, in another image, doing `role` with a descriptor.
pid_t image(const char* role, int fd) {
	std::string parent = std::to_string(getpid());
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid != 0) return pid;
	std::string number = std::to_string(fd);
	syscall(SYS_fcntl, fd, F_SETFD, 0); // past libport, which would keep what is behind it as well
	execl("/proc/self/exe", "native_passing", role, number.c_str(), parent.c_str(), nullptr);
	_exit(127);
}

constexpr int REPORT = 200; // where an orphan says that all was well

pid_t maker = 0; // of an image: its parent when it was made

void orphaned() { // waits until that is gone
	while (getppid() == maker) sched_yield();
}

// --- What the other images do.

int use_ticket(int ticket) {
	int own = port_create(); // so that numbers differ from the maker's
	int port = port_attach(ticket);
	CHECK(port >= 0);
	EQUAL(next(port), 1);
	int again = port_attach(ticket);
	CHECK(again >= 0 && again != port);
	EQUAL(port_send(again, 0, cookie(2)), 0);
	EQUAL(info_of(port).pi_members, 2);
	EQUAL(port_isport(dup(port)), 1);
	int pair[2];
	EQUAL(pipe(pair), 0);
	EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pair[0]), POLLIN, cookie(3)), 0);
	EQUAL(write(pair[1], "x", 1), 1);
	uint64_t found[] = {next(port), next(port)}; // in turn
	CHECK((found[0] == 2 && found[1] == 3) || (found[0] == 3 && found[1] == 2));
	EQUAL(port_send(port, 0, cookie(4)), 0);
	EQUAL(port_close(own), 0);
	return 0;
}

// What else of the library's is there without /proc is lost with the rest, and its number the program's.
int lose_all(int ticket) {
	int port = port_attach(ticket);
	CHECK(port >= 0);
	EQUAL(port_send(port, 1, nullptr), 0);
	std::vector<int> behind;
	for (int fd = 0; fd < 4096; fd++)
		if (evp::registry::is_internal(fd)) behind.push_back(fd);
	CHECK(behind.size() > 4); // beside those that every port has
	EQUAL(syscall(SYS_close_range, 3, ~0u, 0), 0);
	for (int fd : behind) EQUAL(syscall(SYS_dup3, STDERR_FILENO, fd, 0), fd);
	EQUAL(port_close(port), 0);
	for (int fd : behind) CHECK(fcntl(fd, F_GETFD) >= 0 && !evp::registry::is_internal(fd));
	return 0;
}

int outlive(int ticket) {
	orphaned();
	int port = port_attach(ticket);
	CHECK(port >= 0);
	EQUAL(next(port), 1);
	EQUAL(info_of(port).pi_members, 1);
	nothing_more(port);
	EQUAL(write(REPORT, "k", 1), 1);
	return 0;
}

int use_number(int port) {
	EQUAL(next(port), 1);
	EQUAL(port_send(port, 0, cookie(2)), 0);
	EQUAL(info_of(port).pi_members, 2);
	return 0;
}

int need_ticket(int port) {
	orphaned();
	EQUAL(port_send(port, 0, cookie(2)), -1);
	EQUAL(errno, EBADFD);
	EQUAL(write(REPORT, "k", 1), 1);
	return 0;
}

// The very process that made it, after exec: what it owned is still its own (11.9), but for what
// exec closed (4.15).
int go_on(int port) {
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
	EQUAL(event.portev_source, PORT_SOURCE_FD);
	EQUAL(number_of(event), 0);
	nothing_more(port);
	EQUAL(info_of(port).pi_members, 1);
	EQUAL(info_of(port).pi_slots, 1);
	EQUAL(port_associate(port, PORT_SOURCE_FD, event.portev_object, POLLIN, nullptr), 0);
	EQUAL(port_get(port, &event, nullptr), 0);
	EQUAL(port_close(port), 0);
	return 0;
}

// --- The tests.

void by_ticket() {
	int port = port_create();
	int ticket = port_ticket(port);
	CHECK(ticket >= 0);
	EQUAL(fcntl(ticket, F_GETFD), FD_CLOEXEC);
	EQUAL(port_send(port, 0, cookie(1)), 0);
	ended(image("use_ticket", ticket));
	EQUAL(next(port), 4);
	EQUAL(info_of(port).pi_members, 1);
	nothing_more(port);
	close(ticket);
	EQUAL(port_close(port), 0);
	done("a ticket gives the port to another image, with descriptors of its own");
}

// An image with what `make` made, whose maker is killed; it reports by a pipe.
void by_orphan(const char* role, int (*make)()) {
	int report[2];
	EQUAL(pipe(report), 0);
	pid_t maker = fork();
	if (maker == 0) {
		EQUAL(dup2(report[1], REPORT), REPORT);
		image(role, make());
		raise(SIGKILL);
	}
	int status = 0;
	EQUAL(waitpid(maker, &status, 0), maker);
	EQUAL(WTERMSIG(status), SIGKILL);
	close(report[1]);
	char verdict = 0;
	EQUAL(read(report[0], &verdict, 1), 1); // the end, if the image failed
	close(report[0]);
}

void after_its_maker() {
	by_orphan("outlive", [] {
		int port = port_create();
		EQUAL(port_send(port, 0, cookie(1)), 0);
		return port_ticket(port);
	});
	done("a ticket outlives the process that made it");
}

void by_number() {
	int port = port_create();
	EQUAL(port_send(port, 0, cookie(1)), 0);
	ended(image("use_number", port));
	EQUAL(next(port), 2);
	EQUAL(port_close(port), 0);
	done("a number that came through exec is the port");
}

// Its maker gone, a number alone leads nowhere.
void number_without_parts() {
	by_orphan("need_ticket", [] { return port_create_limit(16, 1); });
	done("a port made close-on-exec needs a ticket once its maker is gone");
}

void same_process() {
	pid_t pid = fork();
	if (pid == 0) {
		int port = port_create();
		int pair[2];
		EQUAL(pipe(pair), 0);
		auto associate = [port](int fd, uint64_t user) {
			EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(fd), POLLIN, cookie(user)), 0);
		};
		// Closed by exec, though the file lives on: one whose event is queued then, and one that is armed.
		EQUAL(write(pair[1], "x", 1), 1);
		associate(fcntl(pair[0], F_DUPFD_CLOEXEC, 0), 1);
		unsigned queued = 0;
		EQUAL(port_getn(port, nullptr, 0, &queued, nullptr), 0);
		EQUAL(queued, 1);
		int other[2];
		EQUAL(pipe(other), 0);
		associate(fcntl(other[0], F_DUPFD_CLOEXEC, 0), 2);
		EQUAL(write(other[1], "x", 1), 1);
		associate(pair[0], 0);
		std::string number = std::to_string(port);
		execl("/proc/self/exe", "native_passing", "go_on", number.c_str(), nullptr);
		_exit(127);
	}
	ended(pid);
	done("a process keeps what it owns over exec");
}

// --- What is no ticket.

int be_deceived(int ticket) {
	EQUAL(port_attach(ticket), -1);
	EQUAL(errno, EBADMSG);
	return 0;
}

int forged(const void* data, size_t size, std::initializer_list<int> fds) {
	int pair[2];
	EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	iovec part{const_cast<void*>(data), size};
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8)] = {};
	msghdr message{};
	message.msg_iov = &part;
	message.msg_iovlen = 1;
	if (fds.size() != 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
		cmsghdr* header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
		memcpy(CMSG_DATA(header), std::data(fds), sizeof(int) * fds.size());
	}
	CHECK(sendmsg(pair[1], &message, 0) >= 0);
	close(pair[1]);
	return pair[0];
}

void refused(int ticket, int error) {
	int before = descriptors();
	EQUAL(port_attach(ticket), -1);
	EQUAL(errno, error);
	EQUAL(descriptors(), before);
}

struct Contents {
	uint32_t letter[4];
	int fds[5];
};

Contents contents_of(int ticket) {
	Contents found{};
	iovec part{found.letter, sizeof found.letter};
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof found.fds)];
	msghdr message{};
	message.msg_iov = &part;
	message.msg_iovlen = 1;
	message.msg_control = control;
	message.msg_controllen = sizeof control;
	EQUAL(recvmsg(ticket, &message, MSG_PEEK), static_cast<ssize_t>(sizeof found.letter));
	memcpy(found.fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof found.fds);
	return found;
}

// Where no /proc tells what a set holds.
void blindly() {
	int port = port_create(), other = port_create();
	int ticket = port_ticket(port), others = port_ticket(other);
	ended(image("lose_all_blind", ticket));
	EQUAL(next(port), 0);
	EQUAL(port_send(port, 0, cookie(1)), 0);
	ended(image("use_ticket_blind", ticket));
	EQUAL(next(port), 4);
	nothing_more(port);
	pollfd level{port, POLLIN, 0};
	EQUAL(poll(&level, 1, 0), 0);
	EQUAL(port_send(port, 0, nullptr), 0);
	EQUAL(poll(&level, 1, 0), 1);
	Contents good = contents_of(ticket), strange = contents_of(others);
	auto [outer, inner, bell, kick, region] = good.fds;
	int false_one = forged(good.letter, sizeof good.letter, {strange.fds[0], inner, bell, kick, region});
	ended(image("be_deceived_blind", false_one));
	EQUAL(poll(&level, 1, 0), 1);
	for (int fd : good.fds) close(fd);
	for (int fd : strange.fds) close(fd);
	for (int fd : {ticket, others, false_one}) close(fd);
	for (int number : {port, other}) EQUAL(port_close(number), 0);
	done("a ticket gives the port to a process without /proc");
}

void not_tickets() {
	int pair[2];
	EQUAL(pipe(pair), 0);
	refused(-1, EBADF);
	refused(pair[0], EINVAL);
	uint32_t word[4] = {};
	int stranger = forged(word, sizeof word, {pair[0]});
	refused(stranger, EINVAL);
	int port = port_create();
	refused(port, EINVAL);
	int ticket = port_ticket(port);
	Contents good = contents_of(ticket);
	auto [outer, inner, bell, kick, region] = good.fds;
	auto refuse = [&](const uint32_t (&letter)[4], std::initializer_list<int> fds, int error) {
		int false_one = forged(letter, sizeof letter, fds);
		refused(false_one, error);
		close(false_one);
	};
	uint32_t other_version[4] = {good.letter[0], good.letter[1] + 1, good.letter[2], good.letter[3]};
	refuse(other_version, {outer, inner, bell, kick, region}, EPROTO);
	refuse(good.letter, {outer, inner, bell, kick}, EBADMSG);
	refuse(good.letter, {outer, inner, bell, kick, region, pair[0]}, EBADMSG);
	refuse(good.letter, {outer, inner, bell, kick, pair[0]}, EBADMSG);
	int other = port_create(), other_ticket = port_ticket(other);
	Contents strange = contents_of(other_ticket);
	refuse(good.letter, {strange.fds[0], inner, bell, kick, region}, EBADMSG);
	for (int fd : strange.fds) close(fd);
	close(other_ticket);
	EQUAL(port_close(other), 0);
	// Not sealed, sealed but of no port, and a port's of which only the region is right.
	int plain = memfd_create("no port", MFD_ALLOW_SEALING);
	EQUAL(ftruncate(plain, 1 << 20), 0);
	refuse(good.letter, {outer, inner, bell, kick, plain}, EBADMSG);
	EQUAL(fcntl(plain, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	refuse(good.letter, {outer, inner, bell, kick, plain}, EBADMSG);
	// What can be written to without blocking, until it raises SIGPIPE.
	EQUAL(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	for (int at : {2, 3}) {
		Contents bad = good;
		bad.fds[at] = pair[1];
		auto [set, waiting, first, second, memory] = bad.fds;
		int false_one = forged(bad.letter, sizeof bad.letter, {set, waiting, first, second, memory});
		ended(image("be_deceived", false_one)); // here it would be known by its region
		close(false_one);
	}
	for (int fd : good.fds) close(fd);

	rlimit limit{}, tight{};
	getrlimit(RLIMIT_NOFILE, &limit);
	tight = limit;
	int top = dup(0);
	close(top);
	tight.rlim_cur = static_cast<rlim_t>(top) + 3; // room for three of the five
	setrlimit(RLIMIT_NOFILE, &tight);
	refused(ticket, EMFILE);
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int fd : {stranger, plain, ticket, pair[0], pair[1]}) close(fd);
	EQUAL(port_close(port), 0);
	done("what is no ticket is refused, and leaves nothing behind");
}

void come_and_go() {
	int port = port_create();
	int ticket = port_ticket(port);
	pid_t pid = fork();
	if (pid == 0) {
		EQUAL(port_close(port), 0);
		int before = descriptors();
		for (int i = 0; i < 500; i++) {
			int mine = port_attach(ticket);
			CHECK(mine >= 0);
			EQUAL(port_send(mine, 0, nullptr), 0);
			port_event_t event;
			EQUAL(port_get(mine, &event, nullptr), 0);
			EQUAL(port_close(mine), 0);
		}
		EQUAL(descriptors(), before);
		_exit(0);
	}
	ended(pid);
	EQUAL(info_of(port).pi_members, 1);
	EQUAL(info_of(port).pi_slots, 0);
	close(ticket);
	EQUAL(port_close(port), 0);
	done("attached and closed again and again: nothing is left");
}

// Making one is nothing to the numbers of the port: what they are after it, and that the last close is the last.
void leaves_no_name() {
	int port = port_create(), other = port_create();
	int ticket = port_ticket(port);
	CHECK(ticket >= 0);
	close(ticket);
	int files[] = {dup(STDERR_FILENO), dup(STDERR_FILENO), dup(STDERR_FILENO)};
	for (int file : files) {
		EQUAL(port_send(file, 0, nullptr), -1);
		EQUAL(errno, EBADFD);
	}
	EQUAL(info_of(other).pi_ports, 2);
	EQUAL(port_close(port), 0);
	EQUAL(info_of(other).pi_ports, 1);
	for (int file : files) close(file);
	EQUAL(port_close(other), 0);
	done("a ticket that was made names nothing but itself");
}

// A port that a handler closes over a call on it goes when the call has ended. By then it may have come
// back by a ticket, and stays: a lock on its record in the region goes with every descriptor of that.
std::atomic<int> closed_in_handler{-1};
std::atomic<bool> come_back{false};

void close_and_wait(int) {
	int saved = errno;
	EQUAL(port_close(closed_in_handler), 0);
	closed_in_handler = -1;
	while (!come_back) sched_yield();
	errno = saved;
}

void back_before_it_is_gone() {
	int ask[2], answer[2], ends[2];
	for (int* pair : {ask, answer, ends}) EQUAL(pipe(pair), 0);
	int port = port_create(), ticket = port_ticket(port);
	pid_t peer = fork();
	CHECK(peer >= 0);
	if (peer == 0) {
		close(ask[1]);
		for (char byte = 0; byte == 0;) {
			auto members = static_cast<char>(info_of(port).pi_members);
			EQUAL(write(answer[1], &members, 1), 1);
			EQUAL(read(ask[0], &byte, 1), 1);
		}
		_exit(0);
	}
	auto peer_counts = [&] {
		char members = 0;
		EQUAL(read(answer[0], &members, 1), 1);
		return members;
	};
	EQUAL(peer_counts(), 2);
	CHECK(signal(SIGUSR1, close_and_wait) != SIG_ERR);
	closed_in_handler = port;
	std::atomic<pid_t> waiter{0};
	std::thread waits([port, &waiter] {
		waiter = gettid();
		port_event_t event;
		EQUAL(port_get(port, &event, nullptr), -1);
	});
	while (!waiter || !asleep_in_call(waiter)) sched_yield();
	pthread_kill(waits.native_handle(), SIGUSR1);
	while (closed_in_handler >= 0) sched_yield();
	int again = port_attach(ticket);
	CHECK(again >= 0);
	EQUAL(port_associate(again, PORT_SOURCE_FD, static_cast<uintptr_t>(ends[0]), POLLIN, cookie(1)), 0);
	EQUAL(write(ask[1], "", 1), 1);
	(void)peer_counts();
	come_back = true;
	waits.join();
	int other = port_create(); // what is gone is freed
	for (char end : {0, 1}) {
		EQUAL(write(ask[1], &end, 1), 1);
		if (end == 0) EQUAL(peer_counts(), 2);
	}
	ended(peer);
	EQUAL(write(ends[1], "x", 1), 1);
	EQUAL(next(again), 1);
	EQUAL(info_of(again).pi_members, 1);
	for (int fd : {ask[0], ask[1], answer[0], answer[1], ends[0], ends[1], ticket}) close(fd);
	for (int number : {again, other}) EQUAL(port_close(number), 0);
	done("a port that comes back before it is gone keeps its membership");
}

int body() {
	leaves_no_name();
	back_before_it_is_gone();
	by_ticket();
	if (geteuid() == 0) blindly(); // may change its root
	after_its_maker();
	by_number();
	number_without_parts();
	same_process();
	not_tickets();
	come_and_go();
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

int as(const std::string& role, int fd) {
	if (role == "use_ticket") return use_ticket(fd);
	if (role == "lose_all") return lose_all(fd);
	if (role == "outlive") return outlive(fd);
	if (role == "use_number") return use_number(fd);
	if (role == "need_ticket") return need_ticket(fd);
	if (role == "go_on") return go_on(fd);
	if (role == "be_deceived") return be_deceived(fd);
	return 2;
}

} // namespace

int main(int count, char** arguments) {
	if (count < 3) return watched(body);
	std::string role = arguments[1];
	int fd = atoi(arguments[2]);
	if (count > 3) maker = atoi(arguments[3]);
	auto blind = role.find("_blind");
	if (blind == std::string::npos) return as(role, fd);
	EQUAL(chroot("/proc/self/fdinfo"), 0); // a directory with no /proc in it
	EQUAL(chdir("/"), 0);
	role.resize(blind);
	_exit(as(role, fd)); // whoever looks for leaks at exit needs /proc
}
