#include "sources/file_watches.hpp"

#include <string_view>

namespace evp::file {

void Watch::set_text(const std::string& path, const char* given_name) {
	size_t given_length = std::strlen(given_name);
	bool inside = path.ends_with(given_name) && given_length != 0;
	size_t size = path.size() + 1 + (inside ? 0 : given_length + 1);
	text.reset(new char[size]);
	std::memcpy(text.get(), path.c_str(), path.size() + 1);
	given = static_cast<uint16_t>(inside ? path.size() - given_length : path.size() + 1);
	if (!inside) std::memcpy(text.get() + given, given_name, given_length + 1);
	leaf = static_cast<uint16_t>(path.rfind('/') + 1); // npos + 1: a name without a slash
}

Node* Watches::find(int wd) {
	auto found = nodes_.find(wd);
	return found == nodes_.end() ? nullptr : found->second;
}

Node* Watches::insert(int wd) {
	auto* node = new Node;
	node->wd = wd;
	nodes_[wd] = node;
	return node;
}

void Watches::erase(Node& node) {
	if (latest_ == &node) latest_ = nullptr;
	nodes_.erase(node.wd);
	node.wd = -1;
	if (node.directory) {
		auto named = directories_.find(node.directory->path);
		if (named != directories_.end() && named->second == &node) directories_.erase(named);
	}
	free_if_unused(&node);
}

void Watches::free_if_unused(Node* node) {
	if (node && node->wd < 0 && unused(*node)) delete node;
}

Node* Watches::known_directory(const std::string& path) {
	// Files are mostly watched one directory after the other.
	if (latest_ && latest_->directory->path == path) return latest_;
	auto found = directories_.find(path);
	return latest_ = found == directories_.end() ? nullptr : found->second;
}

void Watches::name_directory(Node& node, const std::string& path, const sys::FileStatus& status) {
	latest_ = nullptr;
	if (node.directory && node.directory->path != path) {
		auto former = directories_.find(node.directory->path);
		if (former != directories_.end() && former->second == &node) directories_.erase(former);
	}
	if (!node.directory) node.directory = std::make_unique<Directory>();
	node.directory->path = path;
	node.directory->status = status;
	directories_[path] = &node;
}

Watch* Watches::make() {
	auto* watch = new Watch;
	if (free_.empty()) {
		watch->id = static_cast<uint32_t>(all_.size());
		all_.push_back(watch);
	} else {
		watch->id = free_.back();
		free_.pop_back();
		all_[watch->id] = watch;
	}
	return watch;
}

void Watches::destroy(Watch* watch) {
	all_[watch->id] = nullptr;
	free_.push_back(watch->id);
	delete watch;
}

void Watches::append(Watch& watch, Node& object) {
	watch.prev = object.last;
	watch.next = nullptr;
	(object.last ? object.last->next : object.first) = &watch;
	object.last = &watch;
}

void Watches::remove(Watch& watch, Node& object) {
	(watch.prev ? watch.prev->next : object.first) = watch.next;
	(watch.next ? watch.next->prev : object.last) = watch.prev;
}

void Watches::make_last(Watch& watch) {
	if (!watch.object || watch.object->last == &watch) return;
	remove(watch, *watch.object);
	append(watch, *watch.object);
}

void Watches::link(Watch& watch, Node* object, Node* parent) {
	if (object) append(watch, *object);
	watch.object = object;
	watch.parent = parent;
	if (!parent) return;
	parent->children++;
	if (named_++ >= buckets_.size()) grow();
	Watch*& bucket = buckets_[hash(*parent, watch.name()) & (buckets_.size() - 1)];
	watch.namesake = bucket;
	bucket = &watch;
}

void Watches::unlink(Watch& watch) {
	if (watch.object) remove(watch, *watch.object);
	if (Node* parent = watch.parent) {
		Watch** at = &buckets_[hash(*parent, watch.name()) & (buckets_.size() - 1)];
		while (*at != &watch) at = &(*at)->namesake;
		*at = watch.namesake;
		named_--;
		parent->children--;
	}
	watch.object = nullptr;
	watch.parent = nullptr;
}

size_t Watches::hash(const Node& parent, const char* name) {
	return std::hash<std::string_view>()(name) ^ reinterpret_cast<uintptr_t>(&parent) >> 4;
}

void Watches::grow() {
	std::vector<Watch*> larger(buckets_.empty() ? 64 : buckets_.size() * 2);
	for (Watch* chain : buckets_) {
		while (chain) {
			Watch* watch = chain;
			chain = watch->namesake;
			Watch*& bucket = larger[hash(*watch->parent, watch->name()) & (larger.size() - 1)];
			watch->namesake = bucket;
			bucket = watch;
		}
	}
	buckets_.swap(larger);
}

} // namespace evp::file
