// What this process watches, for all its ports: nodes and watches.
//
// A Node is an inode that inotify watches under one number (wd), however many
// watches and names lead to it (14.2.1). A Watch is one association: a slot of a
// port, the node of its object, and the name that its exceptions are about: an
// entry of a directory, which is a node too (the parent) because only the parent's
// notes tell what became of a name (14.2.8).
// There may be very many: they are small, and name each other by numbers (file_pool.hpp);
// a path is its directory's text, which all in it share, and a name.
// Everything here is private to the process and guarded by the lock of the hub
// (file_hub.hpp). A node whose wd ended lives on, dead, until nothing refers to it.
#pragma once
#include "sources/file_pool.hpp"
#include "sys/file_status.hpp"

#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace evp {

class Port;

namespace file {

struct Node {
	uint32_t id = 0;
	int wd = -1;                // -1: dead
	uint16_t mask = 0;          // asked of the kernel
	uint8_t wasted = 0;         // notes in a row that no armed watch wanted
	bool named = false;         // has a Directory
	uint32_t first = 0;         // watches of this object, in the order of association
	uint32_t last = 0;
	uint32_t children = 0;      // watches whose name is in this directory
	uint32_t confirmed = 0;     // count of overflows after which it was known to live
	uint32_t moves = 0;         // how often it was renamed
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
	SEEN_EMPTY = 64,   // looked at when all was read, with no such note
	SEEN_OTHER = 128,
};

// The text of a name. Most are short and need no memory of their own.
class Leaf {
public:
	Leaf() = default;
	Leaf(Leaf&& other) noexcept { std::swap(bytes_, other.bytes_); }
	Leaf& operator=(Leaf&& other) noexcept {
		std::swap(bytes_, other.bytes_);
		return *this;
	}
	~Leaf() { delete[] far(); }
	const char* get() const { return far() ? far() : bytes_; }
	// Two strings one behind the other; none of the second if it has no data. bad_alloc.
	void set(std::string_view name, std::string_view second);

private:
	static constexpr size_t NEAR = 16; // the last byte tells: 0 also as the end of a text
	char* far() const {
		char* text = nullptr;
		if (bytes_[NEAR - 1] != 0) std::memcpy(&text, bytes_, sizeof text);
		return text;
	}
	char bytes_[NEAR] = {};
};

struct Watch {
	static constexpr uint32_t NO_FIRING = ~0u;

	Port* port = nullptr;
	sys::FileStatus recorded;    // at association
	Leaf leaf;                   // of the path; behind it the name as given, if that is apart
	uint32_t id = 0;             // kept in the slot
	uint32_t object = 0;         // 0: not readable, seen through its parent only
	uint32_t parent = 0;         // 0: no name to watch
	uint32_t next = 0;           // of the same object
	uint32_t prev = 0;
	uint32_t namesake = 0;       // in the table of names
	uint32_t prefix = 0;         // of the path
	uint32_t slot = 0;
	uint32_t after = 0;          // whose event was posted next
	uint32_t asked = 0;
	uint32_t firing = NO_FIRING; // its place in the hub's list
	uint32_t moves = 0;          // of the object, when it was associated
	uint32_t carried = 0;        // strict profile: bits of a dropped event, for the next (3.9)
	uint16_t given = 0;          // how much of the path the name as given lacks at its beginning
	uint8_t pending = 0;
	bool armed : 1 = false;
	bool standing : 1 = false;   // stays armed after an ordinary event
	bool follow : 1 = false;     // the path must be followed: it has no true name
	// Its parent was looked up for this very association; else it is the directory
	// known under that path, and a note about the name needs a second witness.
	bool sure : 1 = false;

	const char* name() const { return leaf.get(); }
};

class Watches {
public:
	// Nodes.
	Node* find(int wd);
	Node* insert(int wd);
	void erase(Node& node);  // the kernel ended it: dead, freed with its last user
	bool unused(const Node& node) const { return node.first == 0 && node.children == 0; }
	void free_if_unused(Node* node); // a dead one
	Node* known_directory(const std::string& path);
	void name_directory(Node& node, const std::string& path, const sys::FileStatus& status);
	const Directory* directory(const Node& node) const {
		return node.named ? &named_.find(node.id)->second : nullptr;
	}

	// Watches.
	Watch* make() { return &watches_.take(); }
	void destroy(Watch* watch); // unlinked
	Watch* at(uint32_t id) const { return watches_.find(id); }
	template <class Do>
	void each(Do what) const { // may destroy it
		for (uint32_t id = 1; id < watches_.end(); id++)
			if (Watch* watch = at(id)) what(*watch);
	}
	void link(Watch& watch, Node* object, Node* parent);    // last of its object
	void make_last(Watch& watch);
	void unlink(Watch& watch);

	// From one to the other; nullptr: none.
	Node* object(const Watch& watch) const { return nodes_.find(watch.object); }
	Node* parent(const Watch& watch) const { return nodes_.find(watch.parent); }
	Watch* first(const Node& node) const { return at(node.first); }
	Watch* last(const Node& node) const { return at(node.last); }
	Watch* next(const Watch& watch) const { return at(watch.next); }
	Watch* prev(const Watch& watch) const { return at(watch.prev); }

	// Names.
	void set_path(Watch& watch, const std::string& path, std::string_view given);
	bool given_as(const Watch& watch, std::string_view name) const;
	std::string path(const Watch& watch) const { return prefix(watch) + watch.name(); }
	std::string directory_path(const Watch& watch) const;
	// Calls what(watch) for each watch of that name; it may not unlink. Those of one file, which mostly all of a name
	// are, in the order of association (5.4.11).
	template <class Do>
	void each_named(const Node& parent, const char* name, Do what) {
		Watch* last = named(parent, name);
		const Node* file = last ? object(*last) : nullptr;
		for (Watch* w = file ? first(*file) : nullptr; w; w = next(*w))
			if (is_named(*w, parent, name)) what(*w);
		for (Watch* w = last; w; w = at(w->namesake))
			if (is_named(*w, parent, name) && !(file && w->object == file->id)) what(*w);
	}

private:
	// What the paths of one directory begin with, up to its slash.
	struct Prefix {
		uint32_t id = 0;
		uint32_t users = 0;
		std::string text;
	};
	static bool is_named(const Watch& watch, const Node& parent, const char* name) {
		return watch.parent == parent.id && std::strcmp(watch.name(), name) == 0;
	}
	// The last of that name that was linked.
	Watch* named(const Node& parent, const char* name) const {
		Watch* w = buckets_.empty() ? nullptr : at(buckets_[hash(parent.id, name) & (buckets_.size() - 1)]);
		while (w && !is_named(*w, parent, name)) w = at(w->namesake);
		return w;
	}
	static constexpr uint16_t APART = 0xffff; // in Watch::given: behind the leaf

	const std::string& prefix(const Watch& watch) const { return prefixes_[watch.prefix].text; }
	void leave_prefix(Watch& watch);
	uint32_t prefix_of(std::string_view text);
	void append(Watch& watch, Node& object);
	void remove(Watch& watch, Node& object);
	static size_t hash(uint32_t parent, const char* name);
	void grow();

	Pool<Node, &Node::first> nodes_;
	Pool<Watch, &Watch::next> watches_;
	Pool<Prefix, &Prefix::users> prefixes_;
	Numbers by_wd_, by_text_;
	std::unordered_map<uint32_t, Directory> named_; // by node
	std::unordered_map<std::string, uint32_t> directories_;
	uint32_t latest_ = 0;        // the last that was looked up
	uint32_t latest_prefix_ = 0; // the same
	std::vector<uint32_t> buckets_; // of names
	size_t names_ = 0;
};

} // namespace file
} // namespace evp
