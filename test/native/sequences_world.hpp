// What the random sequences of one thread are about: ports, what they hold, descriptors of every kind, and what
// may or must come of each by the contract.
#pragma once

#include "sequences.hpp"

#include <algorithm>
#include <cstddef>
#include <fcntl.h>
#include <map>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace test::sequences {

constexpr int PORTS = 3;
constexpr unsigned LIMIT = 12;
constexpr short UNASKED = POLLERR | POLLHUP;

enum class Kind { PIPE_READ, PIPE_WRITE, SOCKET, EVENTFD, FILE, PORT };

// A number that is open.
struct Thing {
	Kind kind;
	int peer = -1; // that makes it ready, or -1
};

struct Association {
	short asked = 0;
	uint64_t user = 0;
	bool armed = true;    // no event was retrieved since
	bool touched = false; // its state may have changed since it was associated
	bool taken = false;   // what it was at association lies in the queue for certain
	short first = 0;      // its bits then
	short all = 0;        // whatever it was since, of what may be told
	uint64_t posted = 0;  // in which order, 0: not known
};

struct Timer {
	timer_t id{};
	uint64_t user = 0;
	int expired = 0; // not told of yet
};

// In the queue for certain: sent, dispatched, or a library's.
struct Message {
	int events;
	uint64_t user, posted;
	int source = PORT_SOURCE_USER;
	uintptr_t object = 0;
	port_slot_t slot = 0;
	bool shared = true; // any process may have it
};

// Of a library, and not queued if no message names it.
struct Slot {
	port_slot_t id;
	int flags;
	uintptr_t object;
	uint64_t user;
};

struct Port {
	int number = -1;
	std::vector<int> dups; // its other numbers
	port_source_t library = 0;
	std::vector<Slot> reserved;
	uint64_t delivered[8] = {};
	bool fd_used = false;
	int alert = 0;
	uint64_t alert_user = 0;
	std::map<int, Association> fds;
	std::deque<Message> messages;
	std::vector<Timer> timers;
	std::deque<Message>::iterator queued(port_slot_t slot) {
		return std::find_if(messages.begin(), messages.end(), [=](const Message& one) { return one.slot == slot; });
	}
	unsigned slots() const {
		size_t sum = fds.size() + timers.size() + reserved.size();
		for (const Message& one : messages) sum += one.slot == 0;
		return static_cast<unsigned>(sum);
	}
};

constexpr uint32_t LIBRARY = 300;
constexpr int CHANGED = 1000; // by what po_deliver adds

inline int deliver(void*, port_event_t* event) {
	event->portev_events += CHANGED;
	return 1;
}
inline void library_closed(void* closed) { ++*static_cast<int*>(closed); }

// Two names of one state, of which many files tell the first alone.
inline short state_of(int fd, short asked) {
	constexpr short READABLE = POLLIN | POLLRDNORM;
	pollfd one{fd, static_cast<short>(asked | (asked & READABLE ? POLLIN : 0)), 0};
	CHECK(poll(&one, 1, 0) >= 0);
	if (one.revents & READABLE) one.revents |= READABLE;
	return static_cast<short>(one.revents & (asked | UNASKED));
}

class World {
public:
	explicit World(uint64_t from) : random_(from) {
		for (Port& port : ports_) open_port(port);
		for (int i = 0; i < 6; i++) open_thing();
	}
	~World() {
		for (Port& port : ports_) close_port(port);
		while (!things_.empty()) close_thing(things_.begin()->first);
		for (int fd : spare_) close(fd);
	}

protected:
	bool chance(uint32_t of) { return random_.below(of) == 0; }
	Port& any_port() { return ports_[random_.below(PORTS)]; }
	int any_fd() {
		auto at = things_.begin();
		std::advance(at, random_.below(static_cast<uint32_t>(things_.size())));
		return at->first;
	}
	short any_bits() {
		constexpr short BITS[] = {POLLIN, POLLOUT, POLLIN | POLLOUT, 0, POLLPRI, POLLRDNORM, POLLIN | POLLRDHUP};
		return BITS[random_.below(std::size(BITS))];
	}

	// --- What is open.

	void open_port(Port& port) {
		port = Port();
		CHECK((port.number = port_create_limit(LIMIT, 0)) >= 0);
		things_[port.number] = {Kind::PORT};
		note("port %d", port.number);
	}
	void close_port(Port& port) {
		note("close port %d", port.number);
		for (Timer& timer : port.timers) EQUAL(timer_delete(timer.id), 0);
		port.timers.clear();
		while (!port.dups.empty()) close_dup(port, port.dups.size() - 1);
		gone(port.number);
		int closed = closed_;
		EQUAL(close(port.number), 0);
		EQUAL(closed_ - closed, port.library != 0);
	}
	void close_dup(Port& port, size_t which) {
		int number = port.dups[which], closed = closed_;
		port.dups.erase(port.dups.begin() + static_cast<std::ptrdiff_t>(which));
		gone(number);
		EQUAL(close(number), 0);
		EQUAL(closed_ - closed, strict && port.library != 0);
		if (!strict) return;
		// All that is this process's goes (2.11.2).
		port.fds.clear();
		port.alert = 0;
		port.library = 0;
		std::erase_if(port.messages, [](const Message& one) { return !one.shared; });
		port.reserved.clear();
		changed(port.number);
	}
	void name_again(Port& port) {
		if (port.dups.size() > 1) return;
		int fresh = dup(port.number);
		CHECK(fresh >= 0);
		note("dup port %d as %d", port.number, fresh);
		port.dups.push_back(fresh);
		things_[fresh] = {Kind::PORT};
	}
	void close_name(Port& port) {
		if (port.dups.empty() || (strict && !port.timers.empty())) return;
		size_t which = random_.below(static_cast<uint32_t>(port.dups.size()));
		if (chance(2)) std::swap(port.number, port.dups[which]);
		note("close port %d, which is %d too", port.dups[which], port.number);
		close_dup(port, which);
	}
	void close_and_open(Port& port) {
		close_port(port);
		open_port(port);
	}
	void open_thing() {
		if (things_.size() > 14) return;
		int fds[2];
		switch (random_.below(5)) {
		case 0:
		case 1:
			EQUAL(pipe2(fds, O_NONBLOCK), 0);
			if (chance(3)) {
				things_[fds[1]] = {Kind::PIPE_WRITE, fds[0]};
				spare_.push_back(fds[0]);
			} else {
				things_[fds[0]] = {Kind::PIPE_READ, fds[1]};
				spare_.push_back(fds[1]);
			}
			break;
		case 2:
			EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
			things_[fds[0]] = {Kind::SOCKET, fds[1]};
			spare_.push_back(fds[1]);
			break;
		case 3:
			CHECK((fds[0] = eventfd(0, EFD_NONBLOCK)) >= 0);
			things_[fds[0]] = {Kind::EVENTFD};
			break;
		default:
			CHECK((fds[0] = open("/proc/self/exe", O_RDONLY)) >= 0);
			things_[fds[0]] = {Kind::FILE};
		}
		note("open %d kind %d", fds[0], static_cast<int>(things_.rbegin()->second.kind));
	}
	void close_thing(int fd) {
		if (things_[fd].kind == Kind::PORT) return;
		note("close %d", fd);
		close_peer(fd);
		EQUAL(close(fd), 0);
		gone(fd);
	}
	// Another file under the same number.
	void replace(int fd) {
		if (things_[fd].kind == Kind::PORT) return;
		int fresh = eventfd(chance(2) ? 1u : 0u, EFD_NONBLOCK);
		CHECK(fresh >= 0);
		note("dup2 over %d", fd);
		close_peer(fd);
		EQUAL(dup2(fresh, fd), fd);
		EQUAL(close(fresh), 0);
		gone(fd);
		things_[fd] = {Kind::EVENTFD};
	}
	void close_peer(int fd) {
		Thing& thing = things_[fd];
		if (thing.peer < 0) return;
		EQUAL(close(thing.peer), 0);
		spare_.erase(std::find(spare_.begin(), spare_.end(), thing.peer));
		thing.peer = -1;
		changed(fd);
	}
	void gone(int fd) { // its associations go with it (4.13)
		things_.erase(fd);
		for (Port& port : ports_) port.fds.erase(fd);
	}

	void touch(int fd) {
		Thing& thing = things_[fd];
		if (thing.kind == Kind::FILE || thing.kind == Kind::PORT) return;
		char bytes[4096];
		uint32_t what = random_.below(8);
		if (what == 0 && thing.kind != Kind::EVENTFD) {
			note("end of %d", fd);
			return close_peer(fd);
		}
		note("touch %d %u", fd, what);
		int in = thing.kind == Kind::PIPE_READ || thing.kind == Kind::SOCKET ? thing.peer : fd;
		int out = thing.kind == Kind::PIPE_WRITE ? thing.peer : fd;
		uint64_t one = 1;
		if (what == 2 && thing.kind == Kind::PIPE_WRITE) // till there is no room
			while (write(in, bytes, sizeof bytes) > 0) {}
		else if (what % 2 == 0)
			(void)!write(in, &one, sizeof one);
		else
			(void)!read(out, bytes, sizeof bytes);
		changed(fd);
	}
	void changed(int fd) {
		for (const Port& inner : ports_) {
			if (!has_name(inner, fd)) continue;
			for (int name : inner.dups) touched(name);
			fd = inner.number;
		}
		touched(fd);
	}
	void touched(int fd) {
		for (Port& port : ports_)
			if (auto at = port.fds.find(fd); at != port.fds.end()) at->second.touched = true;
	}

	// What may be told of what is so now.
	void observe() {
		for (Port& port : ports_)
			for (auto& [fd, association] : port.fds)
				if (association.armed) association.all |= state_of(fd, association.asked);
	}
	bool ready_now(int fd, const Association& association) const {
		return association.armed && state_of(fd, association.asked) != 0;
	}
	bool may_come(const Association& association) const { return association.armed && association.all != 0; }
	static bool has_name(const Port& port, int fd) {
		return port.number == fd || std::find(port.dups.begin(), port.dups.end(), fd) != port.dups.end();
	}
	// Whether it comes with a call that looks at everything.
	bool must_come(int fd, const Association& association) const {
		if (!association.armed || association.taken) return association.armed;
		// What the kernel has for a port may be seen first when that is asked itself (row nested-depth).
		const Port* inner = std::find_if(ports_, ports_ + PORTS, [&](const Port& port) { return has_name(port, fd); });
		if (inner != ports_ + PORTS && inner->messages.empty()) return false;
		return ready_now(fd, association);
	}

	struct Bounds {
		unsigned least, most, sure;
	};
	Bounds bounds(const Port& port) const {
		Bounds found{};
		found.sure = static_cast<unsigned>(port.messages.size());
		for (const auto& [fd, association] : port.fds) {
			found.sure += association.armed && association.taken;
			found.least += must_come(fd, association);
			found.most += must_come(fd, association) || may_come(association);
		}
		for (const Timer& timer : port.timers) {
			found.least += timer.expired != 0;
			found.most += timer.expired != 0;
		}
		found.least += static_cast<unsigned>(port.messages.size());
		found.most += static_cast<unsigned>(port.messages.size());
		return found;
	}
	// What was ready when it was associated is in the queue from here on.
	void collected(Port& port) {
		for (auto& [fd, association] : port.fds)
			if (association.armed && association.posted != 0 && !association.touched) association.taken = true;
	}

	void count(Port& port) {
		port_info_t info = info_of(port.number);
		EQUAL(info.pi_slots, port.slots());
		EQUAL(info.pi_alert, port.alert);
		CHECK(info.pi_queued >= port.messages.size());
		for (int source : {0, PORT_SOURCE_AIO, PORT_SOURCE_TIMER, PORT_SOURCE_USER, PORT_SOURCE_FD, PORT_SOURCE_MQ})
			EQUAL(info.pi_delivered[source], port.delivered[source]);
	}

	Random random_;
	Port ports_[PORTS];
	std::map<int, Thing> things_;
	std::vector<int> spare_;
	uint64_t users_ = 0, posts_ = 0;
	int closed_ = 0; // sources that were told
};

} // namespace test::sequences
