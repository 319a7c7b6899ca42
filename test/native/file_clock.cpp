// The clock that stamps files: what was changed before a time of it, and what may have been later.

#include "support.hpp"

#include "sys/file_clock.hpp"
#include "sys/file_status.hpp"
#include "sys/memory.hpp"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/utsname.h>
#include <unistd.h>

using namespace test;
using evp::sys::changed_before;

namespace {

constexpr int64_t MS = 1'000'000;

class File {
public:
	File() {
		fd_ = mkstemp(path_);
		CHECK(fd_ >= 0);
	}
	~File() {
		close(fd_);
		unlink(path_);
	}
	void change() { EQUAL(write(fd_, "x", 1), 1); }
	int64_t changed() const {
		evp::sys::FileStatus status;
		EQUAL(evp::sys::file_status(path_, false, &status), 0);
		return status.ctime;
	}

private:
	char path_[32] = "/tmp/file-clock-XXXXXX";
	int fd_;
};

bool kernel_stamps_finely() {
	utsname name;
	EQUAL(uname(&name), 0);
	int major = 0, minor = 0;
	CHECK(sscanf(name.release, "%d.%d", &major, &minor) == 2);
	return major > 6 || (major == 6 && minor >= 13);
}

void no_change_after_a_time_seems_to_be_before_it() {
	evp::Result<evp::sys::UniqueFd> own = evp::sys::memfd_sealed(evp::sys::page_size());
	CHECK(own);
	evp::sys::FineFileClock clock;
	File file, other;
	int apart = 0, finer = 0;
	// The stamp of the memfd may be the very one that the file got, and go on to be so until a tick comes.
	auto enough = [&] { return !kernel_stamps_finely() || (apart > 500 && finer > 500); };
	for (int i = 0; i < 1000 || (i < 100'000 && !enough()); i++) {
		file.change();
		CHECK(evp::sys::file_id(own->get()).inode != 0); // looked at
		int64_t changed = file.changed(), tick = evp::sys::file_clock_ns();
		evp::sys::FileTime now = clock.now(own->get());
		apart += changed_before(changed, now.fine);
		finer += now.finer(changed);
		CHECK(!now.finer(tick)); // of a file system that knows no more
		CHECK(!now.finer(now.fine + 1)); // before the clock was set back
		tick = evp::sys::file_clock_ns();
		other.change();
		CHECK(!changed_before(other.changed(), now.fine));
		CHECK(!changed_before(other.changed(), tick));
	}
	CHECK(enough());
	done("no_change_after_a_time_seems_to_be_before_it");
}

void it_gives_up_where_it_brings_nothing() {
	evp::sys::FineFileClock clock;
	int tried = 0;
	for (int i = 0; i < 1000; i++) {
		if (!clock.worthwhile()) continue;
		tried++;
		CHECK(clock.now(-1).fine <= evp::sys::file_clock_ns());
	}
	CHECK(tried > 0 && tried < 20);
	done("it_gives_up_where_it_brings_nothing");
}

// What a file system makes of a change one tick after `time`, by how it rounds.
void rounded_stamps_are_in_doubt() {
	int64_t time = 1'700'000'000'123 * MS + 456'789;
	CHECK(changed_before(time - 1001, time));
	CHECK(!changed_before(time, time));
	for (int64_t step : {int64_t{100}, int64_t{1000}, 10 * MS, 1000 * MS, 2000 * MS}) {
		int64_t later = time + 4 * MS;
		CHECK(!changed_before(later - later % step, time));
		CHECK(!changed_before(time - time % step, time)); // of this very tick
	}
	done("rounded_stamps_are_in_doubt");
}

// What stamps there can be compared with.
void file_systems_are_known_by_their_kind() {
	struct Expected {
		const char* path;
		bool reports, own;
	};
	// What the kernel makes up, or gets from a server, is not known to go by this clock.
	for (const Expected& one : {Expected{"/proc", false, true}, {"/sys", false, true}, {"/dev/shm", true, true},
	                            {"/dev/pts", true, false}, {"/no such", true, false}}) {
		evp::sys::FileSystem seen = evp::sys::file_system(one.path);
		EQUAL(seen.reports_changes, one.reports);
		EQUAL(seen.own_clock, one.own);
	}
	done("file_systems_are_known_by_their_kind");
}

int body() {
	file_systems_are_known_by_their_kind();
	no_change_after_a_time_seems_to_be_before_it();
	it_gives_up_where_it_brings_nothing();
	rounded_stamps_are_in_doubt();
	return passed == 0;
}

} // namespace

int main() { return watched(body); }
