// Random sequences of operations on files beside a model of the contract: which watch hears what of each
// (5.3, 5.4), in which order, and which then is armed no more. What one to three operations raised is
// retrieved before the next.
//
//   native_sequences_files [SEED [SEEDS]]
//
// With FILES_FLOOD in the environment (test/files/overflow.sh) up to sixty operations come at once, and inotify's
// queue overflows: each watch that something happened to is told of something then (14.2.15).

#include "sequences.hpp"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <list>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace test;
using namespace test::sequences;

namespace {

constexpr int STEPS = 200;
constexpr int DIRECTORIES = 2, NAMES = 4, WATCHES = 8;
constexpr int ORDINARY = FILE_ACCESS | FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC;
constexpr int CHANGED = FILE_MODIFIED | FILE_ATTRIB;

const bool overflows = getenv("FILES_FLOOD") != nullptr;

// A name in one of the directories, or with an empty name the directory.
struct Place {
	int directory;
	std::string name;
	bool operator==(const Place&) const = default;
};

struct Watch {
	file_obj_t object{};
	std::string path; // that it was made with
	Place place;
	ino_t inode = 0;  // 0: no association
	int asked = 0;
	uint64_t user = 0;
	bool armed = false;
	uint64_t order = 0;
	bool again = false; // associated again with the same
};

struct Expected {
	Watch* watch;
	int events;
	bool ends;     // an exception: the watch is gone
	int operation; // that raised it
	int also;      // raised by later ones
};

class Sequence {
public:
	explicit Sequence(uint64_t from) : random_(from), watches_(WATCHES) {
		CHECK((port_ = port_create_limit(WATCHES, 0)) >= 0);
		char text[] = "/tmp/event-ports-sequences-XXXXXX";
		CHECK(mkdtemp(text));
		root_ = text;
		for (int i = 0; i < DIRECTORIES; i++) EQUAL(mkdir(path({i, ""}).c_str(), 0700), 0);
	}
	~Sequence() {
		EQUAL(close(port_), 0);
		std::filesystem::remove_all(root_);
	}

	void run() {
		for (step = 0; step < STEPS; step++) {
			// Strict, what several operations raised is not told apart as exactly.
			uint32_t most = overflows ? 60 : strict ? 1 : 3;
			for (uint32_t more = 1 + random_.below(most); more != 0; more--) act();
			retrieve();
			unsigned held = 0;
			for (const Watch& watch : watches_) held += watch.inode != 0;
			EQUAL(info_of(port_).pi_slots, held);
		}
	}

private:
	bool chance(uint32_t of) { return random_.below(of) == 0; }
	std::string path(const Place& place) const {
		std::string directory = root_ + "/d" + std::to_string(place.directory);
		return place.name.empty() ? directory : directory + "/" + place.name;
	}
	Place any_name() {
		return {static_cast<int>(random_.below(DIRECTORIES)), std::string(1, static_cast<char>('a' + random_.below(NAMES)))};
	}
	ino_t inode_of(const Place& place) const {
		struct stat status;
		return lstat(path(place).c_str(), &status) == 0 ? status.st_ino : 0;
	}

	void act() {
		operation_++;
		Place one = any_name(), other = any_name();
		switch (random_.below(22)) {
		case 0: case 1: case 2: case 3: case 4: case 5: case 6: return associate();
		case 7: return dissociate();
		case 8: case 9: case 10: return create(one);
		case 11: return write_to(one);
		case 12: return read_from(one);
		case 13: return truncate_to_less(one);
		case 14: return change_mode(one);
		case 15: return remove(one);
		case 16: case 17: return move(one, other);
		case 18: case 19: return link_to(one, other);
		case 20: return list(one.directory);
		default: return touch(one);
		}
	}

	// --- What each raises.

	// Posted in the order in which they were associated (5.4.11).
	template <class Raise>
	void each(Raise raise) {
		std::vector<Watch*> all;
		for (Watch& watch : watches_) all.push_back(&watch);
		std::sort(all.begin(), all.end(), [](Watch* a, Watch* b) { return a->order < b->order; });
		for (Watch* watch : all) raise(*watch);
	}
	void raise(Watch& watch, int events, bool ends = false) {
		if (!ends) events &= watch.asked & ORDINARY;
		for (Expected& one : expected_)
			if (one.watch == &watch) one.also |= events;
		if (!watch.armed || events == 0) return;
		watch.armed = false;
		expected_.push_back({&watch, events, ends, operation_, 0});
	}
	void on_object(ino_t inode, int events) {
		each([&](Watch& watch) {
			if (watch.inode == inode) raise(watch, events);
		});
	}
	void on_directory(int directory) { on_object(inode_of({directory, ""}), CHANGED); }
	// The name went from it: by `exception` for who watches it by that name (5.4.4, 5.4.5).
	void on_name(ino_t inode, const Place& place, int exception) {
		each([&](Watch& watch) {
			if (watch.inode != inode) return;
			if (watch.place == place)
				raise(watch, exception, true);
			else
				raise(watch, FILE_ATTRIB);
		});
	}

	// --- Operations.

	void create(const Place& place) {
		if (inode_of(place) != 0) return;
		note("create %s", path(place).c_str());
		int fd = open(path(place).c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
		CHECK(fd >= 0);
		EQUAL(write(fd, "0123456789", 10), 10);
		EQUAL(close(fd), 0);
		on_directory(place.directory);
	}
	void write_to(const Place& place) {
		ino_t inode = inode_of(place);
		if (inode == 0) return;
		note("write %s", path(place).c_str());
		int fd = open(path(place).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
		EQUAL(write(fd, "more", 4), 4);
		EQUAL(close(fd), 0);
		on_object(inode, CHANGED);
	}
	void read_from(const Place& place) {
		struct stat status;
		if (lstat(path(place).c_str(), &status) != 0 || status.st_size == 0) return;
		note("read %s", path(place).c_str());
		int fd = open(path(place).c_str(), O_RDONLY | O_CLOEXEC);
		char byte;
		EQUAL(read(fd, &byte, 1), 1);
		EQUAL(close(fd), 0);
		on_object(status.st_ino, FILE_ACCESS);
	}
	void truncate_to_less(const Place& place) {
		struct stat status;
		if (lstat(path(place).c_str(), &status) != 0 || status.st_size == 0) return;
		note("truncate %s", path(place).c_str());
		off_t size = status.st_size / 2;
		EQUAL(truncate(path(place).c_str(), size), 0);
		each([&](Watch& watch) {
			bool alone = strict && size == 0 && watch.asked & FILE_TRUNC; // (5.3.7)
			if (watch.inode == status.st_ino) raise(watch, alone ? FILE_TRUNC : CHANGED | FILE_TRUNC);
		});
	}
	void change_mode(const Place& place) {
		ino_t inode = inode_of(place);
		if (inode == 0) return;
		note("chmod %s", path(place).c_str());
		EQUAL(chmod(path(place).c_str(), 0600), 0);
		on_object(inode, FILE_ATTRIB);
	}
	void touch(const Place& place) {
		ino_t inode = inode_of(place);
		if (inode == 0) return;
		note("utimes %s", path(place).c_str());
		timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(1'000'000 + step), 0}};
		EQUAL(utimensat(AT_FDCWD, path(place).c_str(), times, 0), 0);
		on_object(inode, CHANGED);
	}
	void list(int directory) {
		note("list %d", directory);
		int entries = 0;
		DIR* opened = opendir(path({directory, ""}).c_str());
		CHECK(opened);
		while (readdir(opened)) entries++;
		closedir(opened);
		on_object(inode_of({directory, ""}), FILE_ACCESS);
	}
	void remove(const Place& place) {
		ino_t inode = inode_of(place);
		if (inode == 0) return;
		bool open_meanwhile = chance(2);
		note("unlink %s%s", path(place).c_str(), open_meanwhile ? ", open" : "");
		if (open_meanwhile) hold(place);
		EQUAL(unlink(path(place).c_str()), 0);
		on_name(inode, place, FILE_DELETE);
		on_directory(place.directory);
	}
	void move(const Place& from, const Place& to) {
		ino_t moved = inode_of(from), over = inode_of(to);
		if (moved == 0) return;
		if (over != 0 && chance(2)) hold(to);
		note("rename %s %s", path(from).c_str(), path(to).c_str());
		EQUAL(rename(path(from).c_str(), path(to).c_str()), 0);
		if (moved == over) return; // two links of one file
		if (over != 0) on_name(over, to, FILE_RENAME_TO);
		on_name(moved, from, FILE_RENAME_FROM);
		on_directory(from.directory);
		if (to.directory != from.directory) on_directory(to.directory);
	}
	void link_to(const Place& from, const Place& to) {
		ino_t inode = inode_of(from);
		if (inode == 0 || inode_of(to) != 0) return;
		note("link %s %s", path(from).c_str(), path(to).c_str());
		EQUAL(link(path(from).c_str(), path(to).c_str()), 0);
		on_object(inode, FILE_ATTRIB);
		on_directory(to.directory);
	}
	// Open until the event is there: a file that is open is not gone with its last name.
	void hold(const Place& place) {
		int fd = open(path(place).c_str(), O_RDONLY | O_CLOEXEC);
		CHECK(fd >= 0);
		held_.push_back(fd);
	}

	// --- Calls.

	void associate() {
		retrieve();
		Watch& watch = watches_[random_.below(WATCHES)];
		Place place = any_name();
		if (chance(4)) place.name.clear();
		struct stat status;
		bool there = lstat(path(place).c_str(), &status) == 0;
		// By another name of the file, strict, it goes by the old one still (5.1.7).
		if (strict && there && status.st_ino == watch.inode && place != watch.place) return;
		int asked = static_cast<int>(random_.below(16));
		// Not of a directory: there it is told, strict, of what was made, and by a look at that (5.3.9).
		asked = (asked & 7) | (asked & 8 && !place.name.empty() ? FILE_TRUNC : 0);
		bool changed = there && chance(4); // stamps that are no longer the file's
		uint64_t user = ++users_;
		watch.path = path(place);
		watch.object = file_obj_t{};
		watch.object.fo_name = watch.path.data();
		if (there && (changed || chance(2))) {
			watch.object.fo_atime = status.st_atim;
			watch.object.fo_mtime = status.st_mtim;
			watch.object.fo_ctime = status.st_ctim;
			if (changed) watch.object.fo_mtime.tv_nsec ^= 1;
		}
		note("associate %d %s asked %x user %llu%s", static_cast<int>(&watch - watches_.data()), watch.path.c_str(),
		     static_cast<unsigned>(asked), static_cast<unsigned long long>(user), changed ? ", stale" : "");
		int rc = port_associate(port_, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&watch.object), asked, cookie(user));
		if (!there) {
			EQUAL(rc, -1);
			EQUAL(errno, ENOENT);
			return;
		}
		EQUAL(rc, 0);
		used_ = true;
		bool same = watch.inode == status.st_ino && watch.place.directory == place.directory;
		watch.again = same;
		if (!same) watch.order = ++orders_;
		watch.place = place;
		watch.inode = status.st_ino;
		watch.asked = asked;
		watch.user = user;
		watch.armed = true;
		if (changed) raise(watch, FILE_MODIFIED);
	}
	void dissociate() {
		retrieve();
		Watch& watch = watches_[random_.below(WATCHES)];
		note("dissociate %d", static_cast<int>(&watch - watches_.data()));
		int rc = port_dissociate(port_, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&watch.object));
		int error = !used_ ? EINVAL : watch.inode == 0 || !watch.armed ? ENOENT : 0;
		EQUAL(rc == 0 ? 0 : errno, error);
		end(watch);
	}
	static void end(Watch& watch) {
		watch.inode = 0;
		watch.armed = false;
		watch.order = 0;
	}

	void retrieve() {
		port_event_t list[WATCHES];
		timespec zero{};
		unsigned count = 1;
		EQUAL(port_getn(port_, list, WATCHES, &count, &zero), 0);
		note("  %u events, %zu expected", count, expected_.size());
		note_events(list, count);
		for (const Expected& one : expected_)
			note("  expected object %lx events %x user %llu", reinterpret_cast<uintptr_t>(&one.watch->object),
			     static_cast<unsigned>(one.events), static_cast<unsigned long long>(one.watch->user));
		overflows ? compare_roughly(list, count) : compare(list, count);
		for (const Expected& one : expected_)
			if (one.ends) end(*one.watch);
		expected_.clear();
		for (int fd : held_) EQUAL(close(fd), 0);
		held_.clear();
		if (count != 0) return;
		count = 1;
		EQUAL(port_getn(port_, list, WATCHES, &count, &zero), 0); // nor of what was closed now
		EQUAL(count, 0);
	}

	Expected& expected(const port_event_t& event) {
		EQUAL(event.portev_source, PORT_SOURCE_FILE);
		auto one = std::find_if(expected_.begin(), expected_.end(), [&](const Expected& each) {
			return reinterpret_cast<uintptr_t>(&each.watch->object) == event.portev_object;
		});
		CHECK(one != expected_.end());
		EQUAL(number_of(event), one->watch->user);
		return *one;
	}
	// Those that did not come may be such as nothing but a lost note tells of.
	void missing(const std::vector<const Expected*>& came, int untold) {
		for (const Expected& one : expected_) {
			bool there = std::find(came.begin(), came.end(), &one) != came.end();
			CHECK(there || (one.events & ~untold) == 0);
			if (!there && !one.ends) one.watch->armed = true;
		}
	}
	void compare_roughly(const port_event_t* list, unsigned count) {
		std::vector<const Expected*> before;
		for (unsigned i = 0; i < count; i++) {
			Expected& one = expected(list[i]);
			one.ends = list[i].portev_events & FILE_EXCEPTION;
			before.push_back(&one);
		}
		missing(before, FILE_TRUNC | FILE_ACCESS);
	}
	void compare(const port_event_t* list, unsigned count) {
		std::vector<const Expected*> before;
		for (unsigned i = 0; i < count; i++) {
			Expected* one = &expected(list[i]);
			// What a look must tell is told of what became of it since; TRUNC and other stamps too.
			if (list[i].portev_events & one->also & FILE_EXCEPTION) {
				EQUAL(one->events & ~(FILE_TRUNC | FILE_ATTRIB), 0);
				one->ends = true;
				before.push_back(one);
				continue;
			}
			int optional = one->ends ? 0 : FILE_TRUNC & one->events;
			EQUAL(one->events & ~list[i].portev_events & ~optional, 0);
			EQUAL(list[i].portev_events & ~(one->events | one->also), 0);
			// Of one file, and told the same, those come first that were associated first, if once (5.4.11).
			for (const Expected* other : before) {
				if (other->watch->inode != one->watch->inode || other->ends != one->ends) continue;
				if (other->operation != one->operation || other->watch->again || one->watch->again) continue;
				CHECK(other->watch->order < one->watch->order);
			}
			before.push_back(one);
		}
		missing(before, FILE_TRUNC);
	}

	Random random_;
	int port_ = -1;
	std::string root_;
	std::vector<Watch> watches_;
	std::list<Expected> expected_;
	std::vector<int> held_;
	uint64_t users_ = 0, orders_ = 0;
	int operation_ = 0;
	bool used_ = false;
};

} // namespace

int main(int argc, char** argv) {
	uint64_t seeds = SANITIZED || overflows ? 20 : 100;
	return run<Sequence>(argc, argv, seeds, "random sequences of operations on files");
}
