// From a name to nodes: what port_associate is given is a path, what the kernel watches are
// the object that it leads to and the directory in which its last component stands.
//
// With the hub locked. Any errno of a look at a file; ENOSPC: fs.inotify.max_user_watches.
#pragma once
#include "sources/file_hub.hpp"

#include <string>

namespace evp::file {

// What a name led to: the nodes are held by nobody yet.
struct Found {
	// In the hub's own buffers, whose memory is there already: one at a time.
	explicit Found(Hub& hub) : path(hub.path_buffer()), directory(hub.directory_buffer()) { clear(); }
	void clear();

	std::string& path;      // absolute where possible; without links, but for `follow`
	std::string& directory; // of the name, if it has one
	sys::FileStatus status;
	Node* object = nullptr;
	Node* parent = nullptr;
	bool follow = false;
	bool sure = false;
};

// Watches both, for what is asked (FILE_*). ENOENT EACCES ELOOP ENOTDIR ENAMETOOLONG;
// ENOTSUP: its file system reports no changes.
Result<void> resolve(Hub& hub, const char* name, uint32_t asked, Found* found);

// Nothing holds them if the association does not come about.
void release(Hub& hub, Found* found);

} // namespace evp::file
