// Random sequences of calls beside a model of the contract: what each returns, with what errno, which
// events come in which order, how many slots are in use. One thread and up to three ports, watching one
// another too, over pipes, sockets, eventfds, files and timers whose numbers are closed and used again.
//
//   native_sequences [SEED [SEEDS]]
//
// Exact is what the contract fixes. Of a descriptor that became ready after its association it is open when
// that is noticed, and whether it is told of if it is over by then (4.10): the model keeps what it may say.

#include "sequences_world.hpp"

#include <csignal>

using namespace test;
using namespace test::sequences;

namespace {

constexpr int STEPS = 400;

class Sequence : World {
public:
	using World::World;

	void run() {
		for (step = 0; step < STEPS; step++) {
			act();
			observe();
			for (Port& port : ports_) count(port);
		}
	}

private:
	void act() {
		switch (random_.below(26)) {
		case 0: case 1: return send(any_port());
		case 2: return send_to_all();
		case 3: case 4: case 5: case 6: return associate(any_port());
		case 7: return dissociate(any_port());
		case 8: case 9: return get(any_port());
		case 10: case 11: case 12: return get_some(any_port());
		case 13: case 14: case 15: return touch(any_fd());
		case 16: return chance(2) ? open_thing() : close_thing(any_fd());
		case 17: return alert(any_port());
		case 18: return timer(any_port());
		case 19: return dispatch(any_port());
		case 20: case 21: case 22: return library(any_port());
		case 23: return associate_several(any_port());
		case 24: return chance(2) ? name_again(any_port()) : close_name(any_port());
		default: return chance(4) ? close_and_open(any_port()) : replace(any_fd());
		}
	}

	// --- Calls.

	void send(Port& port) {
		int events = static_cast<int>(random_.below(5)) - 2;
		uint64_t user = ++users_;
		note("send port %d user %llu", port.number, static_cast<unsigned long long>(user));
		int rc = port_send(name_of(port), events, cookie(user));
		sent(port, rc == 0 ? 0 : errno, events, user);
	}
	void sent(Port& port, int error, int events, uint64_t user) {
		bool room = port.slots() < LIMIT;
		EQUAL(error, room ? 0 : EAGAIN);
		collected(port);
		if (room) port.messages.push_back({events, user, ++posts_});
		changed(port.number);
	}
	void send_to_all() {
		int list[5] = {ports_[0].number, -1, ports_[1].number, any_fd(), ports_[0].number}, errors[5] = {9, 9, 9, 9, 9};
		if (things_[list[3]].kind == Kind::PORT) list[3] = ports_[2].number;
		uint64_t user = ++users_;
		unsigned sum = 0;
		note("sendn user %llu, fourth %d", static_cast<unsigned long long>(user), list[3]);
		int count = port_sendn(list, errors, 5, 3, cookie(user));
		for (int i = 0; i < 5; i++) {
			if (i == 1 || (i == 3 && things_[list[3]].kind != Kind::PORT)) {
				EQUAL(errors[i], i == 1 ? EBADF : EBADFD);
				continue;
			}
			Port& port = *std::find_if(ports_, ports_ + PORTS, [&](const Port& p) { return has_name(p, list[i]); });
			sum += errors[i] == 0;
			sent(port, errors[i], 3, user);
		}
		EQUAL(count, sum);
	}

	void associate(Port& port) {
		int fd = any_fd();
		short asked = any_bits();
		uint64_t user = ++users_;
		note("associate port %d fd %d asked %x user %llu", port.number, fd, static_cast<unsigned>(asked),
		     static_cast<unsigned long long>(user));
		bool known = port.fds.count(fd) != 0;
		bool room = known || port.slots() < LIMIT;
		int rc = port_associate(name_of(port), PORT_SOURCE_FD, static_cast<uintptr_t>(fd), asked, cookie(user));
		if (!room) {
			EQUAL(rc, -1);
			EQUAL(errno, EAGAIN);
			return;
		}
		EQUAL(rc, 0);
		port.fd_used = true;
		Association& association = port.fds[fd] = Association();
		association.asked = asked;
		association.user = user;
		association.first = association.all = state_of(fd, asked);
		if (association.first != 0) {
			association.posted = ++posts_;
			changed(port.number);
		}
		if (things_[fd].kind == Kind::PORT) { // it may become so within a call, for one that watches it in a circle
			association.touched = true;
			association.all |= asked & (POLLIN | POLLRDNORM);
		}
	}
	void associate_several(Port& port) {
		port_assoc_t list[4];
		note("associate list on port %d", port.number);
		bool known[4], distinct = true;
		unsigned count = 0;
		for (int i = 0; i < 3; i++) {
			int fd = any_fd();
			for (unsigned j = 0; j < count; j++) distinct &= list[j].pa_object != static_cast<uintptr_t>(fd);
			if (!distinct || things_[fd].kind == Kind::PORT) return;
			known[count] = port.fds.count(fd) != 0;
			list[count++] = {static_cast<uintptr_t>(fd), cookie(++users_), any_bits(), 9};
		}
		known[count] = false;
		list[count++] = {static_cast<uintptr_t>(-1), nullptr, POLLIN, 9};
		int good = port_associate_list(name_of(port), list, count);
		EQUAL(list[3].pa_error, EBADFD);
		int sum = 0;
		for (unsigned i = 0; i < 3; i++) {
			int fd = static_cast<int>(list[i].pa_object);
			note("  fd %d asked %x error %d user %llu", fd, static_cast<unsigned>(list[i].pa_events), list[i].pa_error,
			     static_cast<unsigned long long>(users_ - 2 + i));
			if (known[i]) EQUAL(list[i].pa_error, 0);
			if (list[i].pa_error != 0) {
				EQUAL(list[i].pa_error, EAGAIN);
				continue;
			}
			sum++;
			Association& association = port.fds[fd] = Association();
			association.asked = static_cast<short>(list[i].pa_events);
			association.user = reinterpret_cast<uintptr_t>(list[i].pa_user);
			association.first = association.all = state_of(fd, association.asked);
			association.touched = true; // their order is not promised
			if (association.first != 0) changed(port.number);
		}
		EQUAL(good, sum);
		CHECK(port.slots() <= LIMIT);
		if (sum != 3) EQUAL(port.slots(), LIMIT);
	}
	void dispatch(Port& port) {
		uint64_t user = ++users_;
		int source = chance(2) ? PORT_SOURCE_AIO : PORT_SOURCE_MQ, flags = chance(2) ? PORT_SHARE_EVENT : 0;
		note("dispatch port %d source %d user %llu", port.number, source, static_cast<unsigned long long>(user));
		EQUAL(port_dispatch(name_of(port), flags, PORT_SOURCE_USER, 1, 2, nullptr), -1);
		EQUAL(errno, EINVAL);
		if (port.slots() >= LIMIT) return; // it would wait
		EQUAL(port_dispatch(name_of(port), flags, source, 7, user + 1, cookie(user)), 0);
		collected(port);
		port.messages.push_back({7, user, ++posts_, source, user + 1, 0, flags != 0});
		changed(port.number);
	}
	void library(Port& port) {
		if (port.library == 0) {
			port_source_ops_t ops{sizeof ops, LIBRARY, deliver, library_closed};
			note("library on port %d", port.number);
			EQUAL(port_source_open(name_of(port), &ops, &closed_, &port.library), 0);
			return;
		}
		if (chance(12)) {
			note("library of port %d closes", port.number);
			EQUAL(port_source_close(port.library), 0);
			EQUAL(port_source_close(port.library), -1);
			EQUAL(errno, ENOENT);
			port.library = 0;
			for (const Slot& slot : port.reserved) {
				EQUAL(port_slot_release(slot.id), -1);
				EQUAL(errno, ENOENT);
			}
			std::erase_if(port.messages, [](const Message& one) { return one.slot != 0; });
			port.reserved.clear();
			changed(port.number);
			return;
		}
		if (port.reserved.empty() || chance(3)) {
			constexpr int FLAGS[] = {0, PORT_SLOT_KEEP, PORT_SHARE_EVENT};
			Slot fresh{0, FLAGS[random_.below(3)], users_ + 7, ++users_};
			bool room = port.slots() < LIMIT;
			int rc = port_slot_reserve(port.library, fresh.flags, fresh.object, cookie(fresh.user), nullptr, &fresh.id);
			note("reserve on port %d flags %d user %llu", port.number, fresh.flags,
			     static_cast<unsigned long long>(fresh.user));
			EQUAL(rc == 0 ? 0 : errno, room ? 0 : EAGAIN);
			if (room) port.reserved.push_back(fresh);
			return;
		}
		auto at = port.reserved.begin() + random_.below(static_cast<uint32_t>(port.reserved.size()));
		auto queued = port.queued(at->id);
		if (chance(4)) {
			note("release user %llu", static_cast<unsigned long long>(at->user));
			EQUAL(port_slot_release(at->id), 0);
			if (queued != port.messages.end()) port.messages.erase(queued);
			port.reserved.erase(at);
			changed(port.number);
			return;
		}
		int bits = 1 << random_.below(4);
		note("post user %llu bits %d", static_cast<unsigned long long>(at->user), bits);
		EQUAL(port_slot_post(at->id, bits), 0);
		collected(port);
		if (queued != port.messages.end()) {
			queued->events |= bits;
			return;
		}
		bool shared = at->flags == PORT_SHARE_EVENT;
		port.messages.push_back({bits, at->user, ++posts_, LIBRARY, at->object, shared ? 0 : at->id, shared});
		if (shared) { // the handle is gone
			EQUAL(port_slot_post(at->id, 1), -1);
			EQUAL(errno, ENOENT);
			port.reserved.erase(at);
		}
		changed(port.number);
	}
	int name_of(const Port& port) {
		size_t which = random_.below(static_cast<uint32_t>(port.dups.size() + 1));
		return which == 0 ? port.number : port.dups[which - 1];
	}
	void dissociate(Port& port) {
		int fd = any_fd();
		note("dissociate port %d fd %d", port.number, fd);
		auto at = port.fds.find(fd);
		bool known = at != port.fds.end(), armed = known && at->second.armed;
		int rc = port_dissociate(name_of(port), PORT_SOURCE_FD, static_cast<uintptr_t>(fd));
		EQUAL(rc, armed ? 0 : -1);
		if (!armed) EQUAL(errno, ENOENT);
		if (known) port.fds.erase(at);
	}

	void get(Port& port) {
		timespec zero{}, soon{0, 20'000};
		bool polls = chance(2);
		Bounds there = bounds(port);
		port_event_t event;
		memset(&event, 0x5a, sizeof event);
		note("get port %d %s, %u to %u there", port.number, polls ? "now" : "soon", there.least, there.most);
		int rc = port_get(name_of(port), &event, polls ? &zero : &soon);
		if (rc == 0) note_events(&event, 1);
		if (port.alert != 0) {
			EQUAL(rc, 0);
			return alerted(port, event);
		}
		if (rc == 0 && event.portev_source != 0x5a5a) {
			CHECK(there.most != 0);
			return came(port, &event, 1);
		}
		EQUAL(there.least, 0);
		EQUAL(rc, polls && strict ? 0 : -1);
		if (rc != 0) EQUAL(errno, ETIME);
		EQUAL(event.portev_source, 0x5a5a);
	}
	void get_some(Port& port) {
		port_event_t list[20];
		timespec zero{}, soon{0, 20'000}, bad{0, 1'000'000'000};
		timespec* times[] = {&zero, &zero, &soon, &bad};
		timespec* time = times[random_.below(4)];
		unsigned max = random_.below(4) == 0 ? 20 : random_.below(6), want = random_.below(max + 2), got = want;
		Bounds there = bounds(port);
		note("getn port %d max %u nget %u time %ld, %u to %u there", port.number, max, want, time->tv_nsec, there.least,
		     there.most);
		int rc = port_getn(name_of(port), list, max, &got, time);
		int error = rc == 0 ? 0 : errno;
		note("  answers %d, %u events", error, got);
		if (max != 0 && (rc == 0 || error == ETIME)) note_events(list, got);
		if (max != 0 && want > max) {
			EQUAL(error, EINVAL);
			EQUAL(got, want);
			return;
		}
		if (max == 0) {
			EQUAL(rc, 0);
			CHECK(got >= there.least && got <= there.most);
			return;
		}
		if (want == 0) {
			EQUAL(rc, 0);
			EQUAL(got, 0);
			return;
		}
		if (port.alert != 0) {
			EQUAL(rc, 0);
			EQUAL(got, 1);
			return alerted(port, list[0]);
		}
		unsigned least = std::min(max, there.least), most = std::min(max, there.most);
		if (error == EINVAL) {
			CHECK(time == &bad);
			CHECK(there.sure < want); // and so it had to be read
			EQUAL(got, want);
			return;
		}
		if (error == ETIME) {
			CHECK(time == &soon);
			CHECK(there.least < want);
			CHECK(got >= least && got <= most);
		} else {
			EQUAL(error, 0);
			if (time != &zero) {
				CHECK(got >= want);
				least = std::min(least, std::max(want, std::min(max, there.sure)));
			}
			CHECK(got >= least && got <= most);
		}
		came(port, list, got);
	}
	void alerted(Port& port, const port_event_t& event) {
		EQUAL(event.portev_source, PORT_SOURCE_ALERT);
		EQUAL(event.portev_events, port.alert);
		EQUAL(number_of(event), port.alert_user);
		EQUAL(event.portev_object, 0);
	}
	// Each event is one that may come, and none stands behind one that was posted later.
	void came(Port& port, const port_event_t* list, unsigned count) {
		uint64_t last = 0;
		for (unsigned i = 0; i < count; i++) {
			const port_event_t& event = list[i];
			uint64_t posted = 0;
			switch (event.portev_source) {
			case PORT_SOURCE_USER:
			case PORT_SOURCE_AIO:
			case PORT_SOURCE_MQ:
			case LIBRARY: posted = came_message(port, event); break;
			case PORT_SOURCE_FD: posted = came_ready(port, event); break;
			case PORT_SOURCE_TIMER: came_timer(port, event); break;
			default: EQUAL(event.portev_source, -1);
			}
			port.delivered[event.portev_source < 8 ? event.portev_source : 0]++;
			if (posted != 0) {
				CHECK(posted > last);
				last = posted;
			}
		}
		for (const auto& [fd, association] : port.fds)
			if (association.armed && association.taken && last != 0) CHECK(association.posted > last);
		changed(port.number);
	}
	uint64_t came_message(Port& port, const port_event_t& event) {
		CHECK(!port.messages.empty());
		Message first = port.messages.front();
		port.messages.pop_front();
		EQUAL(event.portev_source, first.source);
		EQUAL(number_of(event), first.user);
		EQUAL(event.portev_events, first.events + (first.slot != 0 ? CHANGED : 0));
		EQUAL(event.portev_object, first.object);
		if (first.slot != 0)
			std::erase_if(port.reserved, [&](const Slot& slot) { return slot.id == first.slot && slot.flags == 0; });
		return first.posted;
	}
	uint64_t came_ready(Port& port, const port_event_t& event) {
		auto at = port.fds.find(static_cast<int>(event.portev_object));
		CHECK(at != port.fds.end());
		Association& association = at->second;
		CHECK(association.armed);
		EQUAL(number_of(event), association.user);
		CHECK(event.portev_events != 0);
		EQUAL(event.portev_events & ~association.all, 0);
		bool exact = association.posted != 0 && !association.touched;
		if (exact || association.taken) EQUAL(event.portev_events, association.first);
		association.armed = false;
		return exact || association.taken ? association.posted : 0;
	}
	void came_timer(Port& port, const port_event_t& event) {
		auto at = std::find_if(port.timers.begin(), port.timers.end(), [&](const Timer& timer) {
			return reinterpret_cast<uintptr_t>(timer.id) == event.portev_object;
		});
		CHECK(at != port.timers.end());
		EQUAL(event.portev_events, at->expired);
		EQUAL(number_of(event), at->user);
		at->expired = 0;
	}

	void alert(Port& port) {
		int flags = static_cast<int>(random_.below(4)), events = static_cast<int>(random_.below(3));
		uint64_t user = ++users_;
		note("alert port %d flags %d events %d", port.number, flags, events);
		int rc = port_alert(name_of(port), flags, events, cookie(user));
		int error = events == 0 ? 0 : flags == 3 ? EINVAL : flags == 2 && port.alert != 0 ? EBUSY : 0;
		EQUAL(rc == 0 ? 0 : errno, error);
		if (error != 0) return;
		port.alert = events;
		port.alert_user = user;
	}

	void timer(Port& port) {
		if (port.timers.empty() || chance(4)) {
			uint64_t user = ++users_;
			port_notify_t notify{port.number, cookie(user)};
			sigevent event{};
			event.sigev_notify = SIGEV_PORT;
			event.sigev_value.sival_ptr = &notify;
			Timer fresh;
			fresh.user = user;
			note("timer on port %d", port.number);
			bool room = port.slots() < LIMIT;
			int rc = timer_create(chance(2) ? CLOCK_MONOTONIC : CLOCK_REALTIME, &event, &fresh.id);
			EQUAL(rc == 0 ? 0 : errno, room ? 0 : EAGAIN);
			if (room) port.timers.push_back(fresh);
			return;
		}
		Timer& one = port.timers[random_.below(static_cast<uint32_t>(port.timers.size()))];
		uint32_t what = random_.below(5);
		note("timer %p %u", static_cast<void*>(one.id), what);
		if (what == 0) {
			EQUAL(timer_delete(one.id), 0);
			port.timers.erase(port.timers.begin() + (&one - port.timers.data()));
			changed(port.number);
			return;
		}
		EQUAL(timer_getoverrun(one.id), 0);
		itimerspec when{};
		if (what == 1) when.it_value.tv_sec = 3600; // not in this test
		if (what > 2) when.it_value.tv_nsec = 1;    // long ago
		EQUAL(timer_settime(one.id, TIMER_ABSTIME * (what > 2), &when, nullptr), 0);
		if (what > 2) {
			one.expired++;
			changed(port.number);
		}
	}
};

} // namespace

int main(int argc, char** argv) {
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	return run<Sequence>(argc, argv, SANITIZED ? 40 : 400, "random sequences of calls");
}
