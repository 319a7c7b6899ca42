#include "sources/file_name.hpp"

#include <cerrno>
#include <string_view>

namespace evp::file {

using sys::FileStatus;
using sys::FileType;

namespace {

// Names whose last component says nothing: "/", "dir/", ".", "..".
bool leafless(const std::string& path) {
	size_t slash = path.rfind('/');
	std::string_view leaf = std::string_view(path).substr(slash == std::string::npos ? 0 : slash + 1);
	return leaf.empty() || leaf == "." || leaf == "..";
}

// Watches what the path leads to, or, where the object can't be read, asks its
// directory for news of that entry (14.2.3).
Result<void> watch_object(Hub& hub, uint32_t asked, Found* found) {
	uint32_t notes = notes_for(asked);
	Result<Node*> node = hub.node_of(found->path.c_str(), notes, found->follow);
	if (node) {
		found->object = *node;
		int error = sys::file_status(found->path.c_str(), found->follow, &found->status);
		return error == 0 ? Result<void>() : Error{error};
	}
	if (node.error() != EACCES) return Error{node.error()};
	// No permission to read it, or to search a directory on the way.
	if (int error = sys::file_status(found->path.c_str(), found->follow, &found->status); error != 0)
		return Error{error};
	if (found->directory.empty()) return Error{EACCES};
	Result<Node*> parent = hub.directory_of(found->directory, true);
	if (!parent) return Error{parent.error()};
	(void)hub.node_of(found->directory.c_str(), notes, true);
	found->parent = *parent;
	found->sure = true;
	return {};
}

// The directory that the name is in. Without one (not readable, the root of a file
// system) the object's own notes have to do.
Result<void> watch_name(Hub& hub, Node* early, Found* found) {
	if (found->parent || found->directory.empty() || found->status.mount_root) return {};
	if (found->status.type != FileType::DIRECTORY) {
		found->parent = early;
		return {};
	}
	// Looked up anew: of an rmdir nobody else tells (14.2.5).
	Result<Node*> parent = hub.directory_of(found->directory, true);
	if (!parent) return parent.error() == EACCES ? Result<void>() : Error{parent.error()};
	found->parent = *parent;
	found->sure = true;
	return {};
}

bool reports_changes(Hub& hub, const Found& found) {
	bool link = found.status.type == FileType::SYMLINK && !found.directory.empty();
	return hub.file_system(link ? found.directory : found.path, found.status).reports_changes;
}

// The path is final: watches name and object, in this order, so that a file that
// is replaced in between is seen to be.
Result<void> watch_path(Hub& hub, uint32_t asked, Found* found) {
	Node* early = nullptr;
	int denied = 0;
	if (!found->follow && found->path[0] == '/' && found->path != "/") {
		size_t slash = found->path.rfind('/');
		found->directory.assign(found->path, 0, slash == 0 ? 1 : slash);
		Result<Node*> parent = hub.directory_of(found->directory, false);
		denied = parent.error();
		if (parent) early = *parent;
	}
	Result<void> r = watch_object(hub, asked, found);
	bool end = r && (found->status.type != FileType::SYMLINK || asked & NOFOLLOW);
	if (end && !reports_changes(hub, *found)) r = Error{ENOTSUP};
	if (end && r) r = denied == 0 || denied == EACCES ? watch_name(hub, early, found) : Error{denied};
	if (!r) release(hub, found);
	if (early && early != found->parent && early != found->object) hub.release(early);
	return r;
}

} // namespace

void Found::clear() {
	path.clear();
	directory.clear();
	status = {};
	object = parent = nullptr;
	follow = sure = false;
}

void release(Hub& hub, Found* found) {
	Node* object = found->object;
	Node* parent = found->parent;
	found->clear();
	hub.release(object);
	if (parent != object) hub.release(parent);
}

Result<void> resolve(Hub& hub, const char* name, uint32_t asked, Found* found) {
	found->path = name;
	if (found->path.empty()) return Error{ENOENT};
	if (found->path[0] != '/') {
		std::string here = sys::working_directory();
		if (!here.empty()) found->path.insert(0, here == "/" ? here : here + "/");
	}
	// Mostly the name is the true one, and needs no look of its own.
	if (!leafless(found->path)) {
		Result<void> r = watch_path(hub, asked, found);
		if (!r || found->status.type != FileType::SYMLINK || asked & NOFOLLOW) return r;
	}
	std::string path = found->path;
	release(hub, found);
	Result<std::string> truly = sys::true_name(path.c_str(), !(asked & NOFOLLOW), &found->status);
	if (!truly) return Error{truly.error()};
	found->follow = truly->empty();
	found->path = found->follow ? path : *truly;
	return watch_path(hub, asked, found);
}

} // namespace evp::file
