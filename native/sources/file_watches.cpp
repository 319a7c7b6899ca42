#include "sources/file_watches.hpp"

#include <functional>

namespace evp::file {

namespace {

// The kernel counts them up: as they are they would lie in the table side by side, and whoever is
// removed had to look at all behind it.
uint32_t hash_of_wd(int wd) { return static_cast<uint32_t>(wd) * 0x9E3779B1u; }

uint32_t hash_of_text(std::string_view text) {
	return static_cast<uint32_t>(std::hash<std::string_view>()(text));
}

} // namespace

// --- Texts.

void Leaf::set(std::string_view name, std::string_view second) {
	size_t size = name.size() + 1 + (second.data() ? second.size() + 1 : 0);
	char* text = size <= NEAR ? nullptr : new char[size];
	delete[] far();
	std::memset(bytes_, 0, NEAR);
	char* to = bytes_;
	if (text) {
		std::memcpy(bytes_, &text, sizeof text);
		bytes_[NEAR - 1] = 1;
		to = text;
	}
	std::memcpy(to, name.data(), name.size());
	to[name.size()] = 0;
	if (!second.data()) return;
	to += name.size() + 1;
	std::memcpy(to, second.data(), second.size());
	to[second.size()] = 0;
}

uint32_t Watches::prefix_of(std::string_view text) {
	if (latest_prefix_ != 0 && prefixes_[latest_prefix_].text == text) return latest_prefix_;
	uint32_t hash = hash_of_text(text);
	uint32_t id = by_text_.find(hash, [&](uint32_t other) { return prefixes_[other].text == text; });
	if (id == 0) {
		std::string own(text);
		Prefix& fresh = prefixes_.take();
		fresh.text = std::move(own);
		id = fresh.id;
		by_text_.add(hash, id, [&](uint32_t other) { return hash_of_text(prefixes_[other].text); });
	}
	return latest_prefix_ = id;
}

void Watches::leave_prefix(Watch& watch) {
	Prefix* prefix = prefixes_.find(watch.prefix);
	watch.prefix = 0;
	if (!prefix || --prefix->users != 0) return;
	by_text_.remove(hash_of_text(prefix->text), prefix->id,
	                [&](uint32_t other) { return hash_of_text(prefixes_[other].text); });
	if (latest_prefix_ == prefix->id) latest_prefix_ = 0;
	prefixes_.give(*prefix);
}

void Watches::set_path(Watch& watch, const std::string& path, std::string_view given) {
	size_t leaf = path.rfind('/') + 1; // npos + 1: a name without a slash
	size_t lacks = path.size() - given.size();
	bool inside = path.ends_with(given) && !given.empty() && lacks < APART;
	uint32_t prefix = prefix_of(std::string_view(path).substr(0, leaf));
	prefixes_[prefix].users++;
	leave_prefix(watch);
	watch.prefix = prefix;
	watch.leaf.set(std::string_view(path).substr(leaf), inside ? std::string_view() : given);
	watch.given = inside ? static_cast<uint16_t>(lacks) : APART;
}

bool Watches::given_as(const Watch& watch, std::string_view name) const {
	if (watch.given == APART) return name == watch.name() + std::strlen(watch.name()) + 1;
	std::string_view before = prefix(watch);
	std::string_view leaf = watch.name();
	if (watch.given > before.size()) return leaf.substr(watch.given - before.size()) == name;
	before.remove_prefix(watch.given);
	return name.size() == before.size() + leaf.size() && name.starts_with(before) && name.ends_with(leaf);
}

std::string Watches::directory_path(const Watch& watch) const {
	const std::string& all = prefix(watch);
	return all.size() > 1 ? all.substr(0, all.size() - 1) : all;
}

// --- Nodes.

Node* Watches::find(int wd) {
	return nodes_.find(by_wd_.find(hash_of_wd(wd), [&](uint32_t id) { return nodes_[id].wd == wd; }));
}

Node* Watches::insert(int wd) {
	Node& node = nodes_.take();
	node.wd = wd;
	by_wd_.add(hash_of_wd(wd), node.id, [&](uint32_t id) { return hash_of_wd(nodes_[id].wd); });
	return &node;
}

void Watches::erase(Node& node) {
	if (latest_ == node.id) latest_ = 0;
	by_wd_.remove(hash_of_wd(node.wd), node.id, [&](uint32_t id) { return hash_of_wd(nodes_[id].wd); });
	node.wd = -1;
	if (const Directory* directory = this->directory(node)) {
		auto found = directories_.find(directory->path);
		if (found != directories_.end() && found->second == node.id) directories_.erase(found);
	}
	free_if_unused(&node);
}

void Watches::free_if_unused(Node* node) {
	if (!node || node->wd >= 0 || !unused(*node)) return;
	if (node->named) named_.erase(node->id);
	nodes_.give(*node);
}

Node* Watches::known_directory(const std::string& path) {
	// Files are mostly watched one directory after the other.
	Node* latest = nodes_.find(latest_);
	if (latest && directory(*latest)->path == path) return latest;
	auto found = directories_.find(path);
	latest_ = found == directories_.end() ? 0 : found->second;
	return nodes_.find(latest_);
}

void Watches::name_directory(Node& node, const std::string& path, const sys::FileStatus& status) {
	latest_ = 0;
	Directory& directory = named_[node.id];
	node.named = true;
	if (directory.path != path) {
		auto former = directories_.find(directory.path);
		if (former != directories_.end() && former->second == node.id) directories_.erase(former);
	}
	directory.path = path;
	directory.status = status;
	directories_[path] = node.id;
}

// --- Watches.

void Watches::destroy(Watch* watch) {
	leave_prefix(*watch);
	watches_.give(*watch);
}

void Watches::append(Watch& watch, Node& object) {
	watch.prev = object.last;
	watch.next = 0;
	(object.last != 0 ? watches_[object.last].next : object.first) = watch.id;
	object.last = watch.id;
}

void Watches::remove(Watch& watch, Node& object) {
	(watch.prev != 0 ? watches_[watch.prev].next : object.first) = watch.next;
	(watch.next != 0 ? watches_[watch.next].prev : object.last) = watch.prev;
}

void Watches::make_last(Watch& watch) {
	Node* object = this->object(watch);
	if (!object || object->last == watch.id) return;
	remove(watch, *object);
	append(watch, *object);
}

void Watches::link(Watch& watch, Node* object, Node* parent) {
	if (parent && names_ >= buckets_.size()) grow();
	if (object) append(watch, *object);
	watch.object = object ? object->id : 0;
	watch.parent = parent ? parent->id : 0;
	if (!parent) return;
	parent->children++;
	names_++;
	uint32_t& bucket = buckets_[hash(parent->id, watch.name()) & (buckets_.size() - 1)];
	watch.namesake = bucket;
	bucket = watch.id;
}

void Watches::unlink(Watch& watch) {
	if (Node* object = this->object(watch)) remove(watch, *object);
	if (Node* parent = this->parent(watch)) {
		uint32_t* at = &buckets_[hash(parent->id, watch.name()) & (buckets_.size() - 1)];
		while (*at != watch.id) at = &watches_[*at].namesake;
		*at = watch.namesake;
		names_--;
		parent->children--;
	}
	watch.object = 0;
	watch.parent = 0;
}

size_t Watches::hash(uint32_t parent, const char* name) { return hash_of_text(name) ^ parent * 0x9E3779B9u; }

void Watches::grow() {
	std::vector<uint32_t> larger(buckets_.empty() ? 64 : buckets_.size() * 2);
	for (uint32_t chain : buckets_) {
		while (chain != 0) {
			Watch& watch = watches_[chain];
			chain = watch.namesake;
			uint32_t& bucket = larger[hash(watch.parent, watch.name()) & (larger.size() - 1)];
			watch.namesake = bucket;
			bucket = watch.id;
		}
	}
	buckets_.swap(larger);
}

} // namespace evp::file
