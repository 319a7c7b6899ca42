// What this process watches, for all its ports: nodes and watches.
//
// A Node is an inode that inotify watches under one number (wd), however many
// watches and names lead to it (14.2.1). A Watch is one association: a slot of a
// port, the node of its object, and the name that its exceptions are about: an
// entry of a directory, which is a node too (the parent) because only the parent's
// notes tell what became of a name (14.2.8).
// Everything here is private to the process and guarded by the lock of the hub
// (file_hub.hpp). A node whose wd ended lives on, dead, until nothing refers to it.
#pragma once
#include "sys/file_status.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace evp {

class Port;

namespace file {

struct Watch;

struct Node {
	int wd = -1;                // -1: dead
	uint32_t mask = 0;          // asked of the kernel
	Watch* first = nullptr;     // watches of this object, in the order of association
	Watch* last = nullptr;
	uint32_t children = 0;      // watches whose name is in this directory
	uint32_t confirmed = 0;     // count of overflows after which it was known to live
	uint32_t moves = 0;         // how often it was renamed
	uint32_t wasted = 0;        // notes in a row that no armed watch wanted
	std::unique_ptr<struct Directory> directory; // of parents
};

// A node in its role as parent.
struct Directory {
	std::string path;
	sys::FileStatus status;
};

// What happened to a watch in the notes read so far and is not judged yet.
enum Pending : uint8_t {
	ATTRIB = 1,        // on the object itself
	MOVED = 2,
	GONE = 4,
	NAME_REMOVED = 8,  // on its name in the parent
	NAME_MOVED = 16,
	NAME_TAKEN = 32,   // something was renamed over it
};

struct Watch {
	static constexpr uint32_t NO_FIRING = ~0u;

	Port* port = nullptr;
	Node* object = nullptr;    // nullptr: not readable, seen through its parent only
	Node* parent = nullptr;    // nullptr: no name to watch
	Watch* next = nullptr;     // of the same object
	Watch* prev = nullptr;
	Watch* namesake = nullptr; // in the table of names
	uint32_t id = 0;           // index in Watches::all, kept in the slot
	uint32_t slot = 0;
	uint32_t arm = 0;
	uint32_t asked = 0;
	uint32_t firing = NO_FIRING; // its place in the hub's list
	uint32_t moves = 0;          // of the object, when it was associated
	uint32_t carried = 0;        // strict profile: bits of a dropped event, for the next (3.9)
	sys::FileStatus recorded;    // at association
	std::unique_ptr<char[]> text; // the path, and behind it the name as given if that differs
	uint16_t leaf = 0;           // where the last component starts
	uint16_t given = 0;          // where the name as given starts
	uint8_t pending = 0;
	bool follow = false;         // the path must be followed: it has no true name
	bool nofollow = false;       // FILE_NOFOLLOW
	bool armed = false;
	// Its parent was looked up for this very association; else it is the directory
	// known under that path, and a note about the name needs a second witness.
	bool sure = false;

	const char* path() const { return text.get(); }
	const char* name() const { return text.get() + leaf; }
	const char* given_name() const { return text.get() + given; }
	std::string directory() const { return {text.get(), leaf > 1 ? leaf - 1u : 1u}; }
	void set_text(const std::string& path, const char* given_name);
};

class Watches {
public:
	// Nodes.
	Node* find(int wd);
	Node* insert(int wd);
	void erase(Node& node);  // the kernel ended it: dead, freed with its last user
	bool unused(const Node& node) const { return !node.first && node.children == 0; }
	void free_if_unused(Node* node); // a dead one
	Node* known_directory(const std::string& path);
	void name_directory(Node& node, const std::string& path, const sys::FileStatus& status);

	// Watches.
	Watch* make();
	void destroy(Watch* watch); // unlinked
	Watch* at(uint32_t id) { return id < all_.size() ? all_[id] : nullptr; }
	const std::vector<Watch*>& all() const { return all_; } // holds nullptr
	void link(Watch& watch, Node* object, Node* parent);    // last of its object
	void make_last(Watch& watch);
	void unlink(Watch& watch);
	// Calls what(watch) for each watch of that name; it may not unlink.
	template <class Do>
	void each_named(const Node& parent, const char* name, Do what) {
		if (buckets_.empty()) return;
		for (Watch* w = buckets_[hash(parent, name) & (buckets_.size() - 1)]; w; w = w->namesake)
			if (w->parent == &parent && std::strcmp(w->name(), name) == 0) what(*w);
	}

private:
	void append(Watch& watch, Node& object);
	void remove(Watch& watch, Node& object);
	static size_t hash(const Node& parent, const char* name);
	void grow();

	std::unordered_map<int, Node*> nodes_;
	std::unordered_map<std::string, Node*> directories_;
	Node* latest_ = nullptr; // the last that was looked up
	std::vector<Watch*> all_{nullptr};
	std::vector<uint32_t> free_;
	std::vector<Watch*> buckets_;
	size_t named_ = 0;
};

} // namespace file
} // namespace evp
