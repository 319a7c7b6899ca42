#include "sources/file_hub.hpp"

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/slots.hpp"
#include "sys/mounts.hpp"
#include "sys/no_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

namespace evp::file {

using shm::Slot;
using shm::SlotState;

namespace {

std::atomic<Hub*> the_hub{nullptr};

} // namespace

// --- One a process.

Hub::Hub() : epoch_(sys::process_epoch()) {}

Hub* Hub::current() {
	Hub* hub = the_hub.load(std::memory_order_acquire);
	return hub && hub->epoch_ == sys::process_epoch() ? hub : nullptr;
}

Result<Hub*> Hub::get() {
	if (Hub* hub = current()) return hub;
	leave_inherited();
	auto* fresh = new (std::nothrow) Hub;
	if (!fresh) return Error{ENOMEM};
	Hub* seen = the_hub.load();
	do {
		if (seen && seen->epoch_ == fresh->epoch_) {
			delete fresh;
			return seen;
		}
		fresh->inherited_ = seen; // reachable: its memory can't be freed in a child
	} while (!the_hub.compare_exchange_weak(seen, fresh));
	return fresh;
}

void Hub::leave_inherited() {
	Hub* hub = the_hub.load();
	if (!hub || hub->epoch_ == sys::process_epoch()) return;
	// The parent's state may be anything, but its descriptors are numbers.
	for (sys::UniqueFd* fd : {&hub->notes_, &hub->mounts_, &hub->mounts_wake_}) {
		// libc++ 17 has no atomic_ref.
		sys::UniqueFd mine(__atomic_exchange_n(reinterpret_cast<int*>(fd), -1, __ATOMIC_SEQ_CST));
		if (mine.get() < 0) continue;
		bool notes = fd == &hub->notes_;
		registry::give_up_internal(mine, notes ? sys::is_inotify(mine.get()) : sys::file_id(mine.get()) == hub->mounts_id_);
	}
}

Hub::Held::Held(Hub& hub) : hub_(hub), held_(enter()) {}

// The thread says so before it is true, and after: a handler may come at any instant.
bool Hub::Held::enter() {
	std::atomic<const void*>& mine = sys::self().hub;
	const void* before = mine.load(std::memory_order_relaxed);
	if (before == &hub_) {
		hub_.missed_.store(true);
		return false;
	}
	before_ = before;
	mine.store(&hub_, std::memory_order_relaxed);
	std::atomic_signal_fence(std::memory_order_seq_cst);
	hub_.lock_.lock();
	return true;
}

Hub::Held::~Held() {
	if (!held_) return;
	do { // a handler may miss something yet once that was looked at
		hub_.settle();
		hub_.lock_.unlock();
		std::atomic_signal_fence(std::memory_order_seq_cst);
		sys::self().hub.store(before_, std::memory_order_relaxed);
	} while (hub_.missed_.load() && enter());
}

void Hub::settle() {
	// What the kernel says of watches ended here is no news: read now, or it would
	// make every port readable.
	while (removed_) {
		removed_ = false;
		collect();
	}
	if (missed_.exchange(false)) {
		collect();
		for (Served& port : ports_)
			if (port.armed != 0) arm(port);
	}
	if (resting_) rest();
}

// --- Nodes.

Result<Node*> Hub::node_of(const char* path, uint32_t notes, bool follow) {
	Result<int> wd = sys::inotify_add(notes_.get(), path, notes, follow);
	if (!wd) return Error{wd.error()};
	Node* node = watches_.find(*wd);
	if (!node) node = watches_.insert(*wd);
	node->mask = static_cast<uint16_t>(node->mask | notes);
	node->confirmed = overflows_;
	node->wasted = 0;
	return node;
}

Result<Node*> Hub::directory_of(const std::string& path, bool sure) {
	Node* known = watches_.known_directory(path);
	if (known && !sure && sound(*known)) {
		// Where the path leads no note tells: a directory above may have been renamed, a link
		// in it changed. The kernel watches the one that is known: its number is no other's.
		sys::FileStatus now = watches_.directory(*known)->status;
		if (sys::file_status_again(path.c_str(), true, &now) == 0 &&
		    now.same_file(watches_.directory(*known)->status))
			return known;
	}
	Result<Node*> node = node_of(path.c_str(), notes_for_names(), true);
	if (!node) return node;
	if (*node != known || !known->named) {
		sys::FileStatus status;
		if (int error = sys::file_status(path.c_str(), true, &status); error != 0) {
			release(*node);
			return Error{error};
		}
		watches_.name_directory(**node, path, status);
	}
	return node;
}

namespace {

uint64_t system_key(const sys::FileStatus& status) {
	return static_cast<uint64_t>(status.mount) << 32 | status.device;
}

} // namespace

// nullptr: none was looked at yet.
const sys::FileSystem* Hub::known_system(const sys::FileStatus& status) const {
	static constexpr sys::FileSystem ON_A_DISK;
	if (status.on_disk()) return &ON_A_DISK;
	auto known = file_systems_.find(system_key(status));
	return known == file_systems_.end() ? nullptr : &known->second;
}

sys::FileSystem Hub::file_system(const std::string& path, const sys::FileStatus& status) {
	if (const sys::FileSystem* known = known_system(status)) return *known;
	sys::FileSystem seen = sys::file_system(path.c_str());
	if (status.mount != 0 && file_systems_.size() < 1024) file_systems_[system_key(status)] = seen;
	return seen;
}

void Hub::release(Node* node) {
	if (!node || !watches_.unused(*node)) return;
	if (node->wd < 0) {
		watches_.free_if_unused(node);
		return;
	}
	end_wd(*node);
}

bool Hub::end_wd(Node& node) {
	bool lived = notes_.get() >= 0 && sys::inotify_remove(notes_.get(), node.wd);
	removed_ |= lived;
	watches_.erase(node);
	return lived;
}

void Hub::drop(Watch* watch) {
	Node* object = watches_.object(*watch);
	Node* parent = watches_.parent(*watch);
	set_armed(*watch, false);
	watches_.unlink(*watch);
	watches_.destroy(watch);
	release(object);
	if (parent != object) release(parent);
}

// --- Collecting.

void Hub::begin_reading() {
	read_at_.tick = read_at_.fine = sys::file_clock_ns();
	unsettled_before_ = std::exchange(unsettled_, 0);
}

void Hub::collect() {
	begin_reading();
	// Asking is cheaper than a read in vain.
	read_and_judge(sys::inotify_pending(notes_.get()));
}

// What was read and can't be judged for want of memory is lost as by an overflow: everything is compared, once there
// is some. A note of no file calls for that.
void Hub::read_and_judge(bool pending) {
	Result<void> done = sys::or_no_memory([&]() -> Result<void> {
		if (pending) read();
		judge();
		return {};
	});
	if (done) [[likely]]
		return;
	for (Watch* watch : held_back_) watch->pending = 0;
	held_back_.clear();
	overflowed_ = true;
	post();
	sys::inotify_stir(notes_.get());
}

void Hub::collect_readable(Port& port) {
	Served* told = served(&port);
	if (mounts_.get() >= 0) { // where directories are watched this is called at each collection
		collect();
	} else {
		if (told) told->told = false; // once
		begin_reading();
		read_and_judge(true);
	}
	if (told && told->armed != 0) arm(*told);
}

void Hub::read() {
	constexpr size_t BUDGET = 1 << 20; // bytes: more than a queue of the default length
	size_t total = 0;
	for (bool emptied = false; !emptied && total < BUDGET;) {
		size_t n = buffer_.read(notes_.get(), &emptied);
		if (n == 0) break;
		total += n;
		sys::Note note;
		while (buffer_.next(&note)) take(note);
	}
}

void Hub::judge() {
	for (bool settled = false; !settled;) {
		settled = true;
		for (size_t i = 0; i < held_back_.size(); i++)
			if (held_back_[i]->pending != 0 && !resolve(*held_back_[i], true)) settled = false;
		if (!settled) read();
	}
	held_back_.clear();
	if (overflowed_) rescan();
	if (mounts_.get() >= 0 && sys::mounts_changed(mounts_.get())) check_mounts();
	if (!firings_.empty()) post();
}

bool Hub::quiet(Port& port, const sys::FileStatus& status, uint32_t asked) {
	const sys::FileSystem* system = known_system(status);
	bool by_time = !(asked & ACCESS) && system && system->own_clock;
	int64_t read_at = status.device == finely_stamped_ ? read_at_.fine : read_at_.tick;
	if (by_time && sys::changed_before(status.ctime, read_at)) return true;
	// Of many that changed in one tick, each would be asked about: a finer time settles the others.
	constexpr uint32_t MANY = 16;
	unsettled_ += by_time;
	bool many = std::max(unsettled_, unsettled_before_) >= MANY;
	bool fine = by_time && many && clock_.worthwhile() && port.region().intact();
	sys::FileTime now;
	if (fine)
		now = clock_.now(port.region().fd());
	else
		now.tick = now.fine = sys::file_clock_ns();
	if (now.finer(status.ctime)) finely_stamped_ = status.device;
	if (sys::inotify_pending(notes_.get())) return false;
	read_at_ = now;
	return true;
}

// What a standing watch's next changes are compared with. Before its event is posted: what
// is seen here and told of by no note any more, whoever retrieves that event sees too.
void Hub::remember(Watch& watch) {
	sys::FileStatus now = watch.recorded;
	if (sys::file_status_again(watches_.path(watch).c_str(), watch.follow, &now) == 0 &&
	    is_still(watch, now))
		watch.recorded = now;
}

void Hub::post() {
	for (const Firing& firing : firings_)
		if (firing.watch->standing && firing.events != 0 && !(firing.events & EXCEPTIONS))
			(void)sys::or_no_memory([&]() -> Result<void> { return remember(*firing.watch), Result<void>(); });
	for (size_t i = 0; i < firings_.size();) {
		Port* port = firings_[i].watch->port;
		Port::Guard guard(*port);
		for (; i < firings_.size() && firings_[i].watch->port == port; i++) {
			Firing& firing = firings_[i];
			firing.watch->firing = Watch::NO_FIRING;
			if (firing.events != 0 && !post(firing)) firing.events = 0;
		}
	}
	// An exception is the watch's last word; ending one needs system calls.
	for (const Firing& firing : firings_)
		if (firing.events & EXCEPTIONS) drop(firing.watch);
	firings_.clear();
}

// The slot's side. Locked. False: the slot is in no state to take it.
bool Hub::post(const Firing& firing) {
	Port& port = *firing.watch->port;
	shm::Region& region = port.region();
	uint32_t index = firing.watch->slot;
	Slot& slot = region.slot(index);
	if (slot.source.load() != static_cast<uint8_t>(SourceKind::FILE) ||
	    slot.owner.load() != port.member() || slot.link.load() != firing.watch->id)
		return false;
	SlotState state = slot.state.load();
	bool exception = firing.events & EXCEPTIONS;
	bool stands = firing.watch->standing && !exception;
	if (state == SlotState::QUEUED && stands) {
		slot.events.store(slot.events.load() | static_cast<int32_t>(firing.events));
		return true;
	}
	if (state != SlotState::ARMED && !(state == SlotState::QUEUED && exception)) return false;
	if (!stands && slots::pollable(slot)) port.pollable_add(-1);
	if (state == SlotState::QUEUED) slots::dequeue(region, index); // replaced (5.4.10)
	if (Watch* before = watches_.at(posted_)) before->after = firing.watch->id;
	posted_ = firing.watch->id;
	slot.events.store(static_cast<int32_t>(firing.events | (exception ? 0 : firing.watch->carried)));
	if (exception) {
		// The slot is the exception's now, and goes with it (5.4.9).
		slots::table_remove(region, index);
		slot.flags.store(0);
	}
	slots::enqueue(region, index);
	return true;
}

} // namespace evp::file
