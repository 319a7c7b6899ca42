// The process's one inotify instance and what it feeds: all FILE watches of all ports.
//
// Who collects for one port reads everything there is and posts to every port, so
// a note is read once and ports never wait for each other's readers.
// Locks: the hub's own lock, taken before a port's lock and never while one is
// held. It covers reading, judging and posting as well as associating, so that an
// association stands at one place in the order of notes: what happened before it is
// read before it (5.1.8), what happens after it finds it armed.
// Fork: a child makes a hub of its own; it never touches the inherited one but for
// closing its descriptors.
#pragma once
#include "sources/file_judge.hpp"
#include "sources/file_watches.hpp"
#include "sys/file_clock.hpp"
#include "sys/inotify.hpp"
#include "sys/thread.hpp"

#include <atomic>
#include <mutex>

namespace evp::file {

class Hub {
public:
	// Of this process; nullptr where no FILE watch was made yet.
	static Hub* current();
	static Result<Hub*> get(); // makes it. ENOMEM
	static void leave_inherited(); // in a child

	// The hub's lock. False: a signal handler came over its own thread's hold.
	class Held {
	public:
		explicit Held(Hub& hub);
		~Held();
		explicit operator bool() const { return held_; }

	private:
		bool enter();

		Hub& hub_;
		const void* before_ = nullptr; // another process image's, in a handler that forked over its hold
		bool held_;
	};
	// Whether this is a signal handler over its own thread's hold.
	bool over_hold() const { return sys::self().hub.load(std::memory_order_relaxed) == this; }

	// All below: locked.
	// Descriptors to be registered in the inner set of a port: notes; changes of the
	// table of mounts, -1 while no directory is watched. EMFILE: too many instances.
	Result<void> open(Port& port);
	Result<void> open_mounts(Port& port);
	void close(Port& port); // its watches go; the last port closes the descriptors

	// Reads, judges and posts all there is.
	void collect();
	void collect_readable(Port& port); // the same; the kernel told that port that there is something
	// A port is told of notes while a watch of it is armed: else it would be readable, and stay
	// so, for changes that nobody asks about (2.10.1).
	void tell(Port& port);
	void set_armed(Watch& watch, bool armed);
	// Whether a file in this state has had no change since everything was read: no note
	// of one can be waiting. Its name neither: what came to it bears the time. Reads
	// leave no trace, and not every file system goes by our clock: then the kernel is asked.
	bool quiet(Port& port, const sys::FileStatus& status, uint32_t asked);

	Watches& watches() { return watches_; }
	// Who associates again mostly does so in the order of events: the watch whose event came
	// after that of the one told of last. A guess; its slot says whether it is right.
	Watch* expected() const { return watches_.at(expected_); }
	void associated(const Watch& watch) { expected_ = watch.after; }
	// The node of what the path leads to. ENOSPC: fs.inotify.max_user_watches.
	Result<Node*> node_of(const char* path, uint32_t notes, bool follow);
	// The node of a directory; `sure`: it was looked up now.
	Result<Node*> directory_of(const std::string& path, bool sure);
	void release(Node* node); // ends its wd when nothing refers to it
	void drop(Watch* watch);  // unlinked and destroyed
	// Of who associates, kept for their memory.
	std::string& path_buffer() { return path_buffer_; }
	std::string& directory_buffer() { return directory_buffer_; }
	// What the file system of a file is known to do (14.2.19).
	sys::FileSystem file_system(const std::string& path, const sys::FileStatus& status);
	bool sound(const Node& node) const { return node.wd >= 0 && node.confirmed == overflows_; }

private:
	// Where the recorded name leads now.
	enum class Look { INTACT, EMPTY, OTHER, LOST };
	struct Served {
		Port* port;
		uint32_t armed = 0; // watches
		bool told = true;   // the descriptors are armed in its inner set
	};
	struct Firing {
		Watch* watch;
		uint32_t events; // 0: it was nothing
	};

	Hub();
	Served* served(const Port* port);
	bool holds_notes(Port& port);
	const sys::FileSystem* known_system(const sys::FileStatus& status) const;
	void lose(); // the descriptors: see registry::lost_internals()
	void arm(Served& port);
	void rest();
	void settle(); // before the hold ends
	bool end_wd(Node& node); // true: the kernel had not ended it
	// Judging.
	void take(const sys::Note& note);
	void entry_changed(Node& node, const sys::Note& note);
	void object_changed(Watch& watch, uint32_t mask);
	void happened(Watch& watch, uint32_t events);
	void hold(Watch& watch, uint8_t pending);
	// Both false: not yet, a note that tells more is expected.
	bool resolve(Watch& watch, bool all_read);
	bool resolve_by_look(Watch& watch, uint8_t pending, bool all_read);
	bool await_directory(Watch& watch, Look seen, bool all_read);
	Look look(Watch& watch, sys::FileStatus* now);
	bool is_still(Watch& watch, const sys::FileStatus& now);
	void fire(Watch& watch, uint32_t events);
	void unmounted(Node& node);
	void mute(Node& node);
	// Recovering.
	void rescan();
	void rescan(Watch& watch);
	uint32_t exception_by(Watch& watch, Look seen, const sys::FileStatus& now);
	void check_mounts();
	void begin_reading();
	void read_and_judge(bool pending);
	void read();
	void judge();
	// Posting.
	void post();
	void remember(Watch& watch);
	bool post(const Firing& firing);

	std::mutex lock_;
	std::atomic<bool> missed_{false};   // a handler found it held
	uint64_t epoch_;                    // the process image it belongs to
	Hub* inherited_ = nullptr;          // of the parent
	sys::UniqueFd notes_, mounts_, mounts_wake_;
	sys::FileId mounts_id_; // of both
	std::vector<Served> ports_;
	size_t served_last_ = 0;
	bool resting_ = false;              // a port may have no armed watch any more
	Watches watches_;
	std::string path_buffer_, directory_buffer_;
	std::vector<Firing> firings_;
	std::vector<Watch*> held_back_;     // with something pending
	std::unordered_map<uint64_t, sys::FileSystem> file_systems_; // by device and mount
	uint32_t expected_ = 0;
	uint32_t posted_ = 0;               // the watch whose event was posted last
	bool overflowed_ = false;
	bool removed_ = false;              // wds were ended whose last note was not read
	uint32_t overflows_ = 0;
	sys::FileTime read_at_;             // before the last reading
	sys::FineFileClock clock_;
	uint32_t finely_stamped_ = 0;       // the device that was seen to be last
	uint32_t unsettled_ = 0;            // since then: asked because a file had changed in the same tick
	uint32_t unsettled_before_ = 0;     // between the reading before and that
	sys::Notes buffer_;
};

} // namespace evp::file
