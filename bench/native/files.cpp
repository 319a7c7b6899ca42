// files - FILE1 and FILE2: a file changes, is looked at and watched again; a file is watched first; and no more.
//
// The reader's CPU time only: changing the files is done by the same thread outside the clock. So is taking
// the stamps that the port is then given to compare, but for "port-stat": a program that knows no stamps otherwise.

#include <fcntl.h>
#include <port.h>
#include <port_linux.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "check.hpp"
#include "clocks.hpp"
#include "harness.hpp"

using namespace bench;

namespace {

constexpr size_t FILES_A_DIRECTORY = 100;

// Files in directories of a hundred, under a folder that goes with it.
class Tree {
public:
	explicit Tree(size_t count) {
		char pattern[] = "/tmp/event-ports-bench-XXXXXX";
		if (!mkdtemp(pattern))
			throw std::system_error(errno, std::generic_category(), "mkdtemp");
		root_ = pattern;
		for (size_t i = 0; i < count; i++) {
			const std::string folder = root_ + "/folder" + std::to_string(i / FILES_A_DIRECTORY);
			if (i % FILES_A_DIRECTORY == 0)
				check(mkdir(folder.c_str(), 0755), "mkdir");
			paths_.push_back(folder + "/file" + std::to_string(i));
			change(i, O_CREAT);
		}
	}
	Tree(const Tree &) = delete;
	~Tree() { std::filesystem::remove_all(root_); }

	void change(size_t i, int flags = 0) const {
		const int fd = check(open(paths_[i].c_str(), O_WRONLY | O_CLOEXEC | flags, 0644), "open");
		check(write(fd, "x", 1), "write");
		close(fd);
	}
	size_t size() const { return paths_.size(); }
	const char *path(size_t i) const { return paths_[i].c_str(); }

private:
	std::string root_;
	std::vector<std::string> paths_;
};

enum class Stat { UNTIMED, TIMED };

template <Stat STAT> class PortWatcher {
public:
	explicit PortWatcher(const Tree &tree) : tree_(tree), objects_(tree.size()) {
		for (size_t i = 0; i < tree.size(); i++)
			objects_[i].fo_name = const_cast<char *>(tree.path(i));
	}
	~PortWatcher() { port_close(port_); }

	void watch(size_t i) {
		file_obj_t *object = &objects_[i];
		check(port_associate(port_, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(object), FILE_MODIFIED,
		          object),
		    "port_associate");
	}
	void unwatch(size_t i) {
		check(port_dissociate(port_, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&objects_[i])), "port_dissociate");
	}
	// Not timed.
	void changed(size_t i) {
		if (STAT == Stat::UNTIMED)
			look(i);
	}
	size_t serve(size_t most) {
		port_event_t list[256];
		unsigned n = 1;
		timespec wait{5, 0};
		check(port_getn(port_, list, static_cast<unsigned>(std::min<size_t>(most, 256)), &n, &wait), "port_getn");
		for (unsigned i = 0; i < n; i++) {
			const auto file = static_cast<size_t>(static_cast<file_obj_t *>(list[i].portev_user) - objects_.data());
			if (STAT == Stat::TIMED)
				look(file);
			watch(file);
		}
		return n;
	}

private:
	void look(size_t i) {
		struct stat now {};
		check(stat(tree_.path(i), &now), "stat");
		objects_[i].fo_mtime = now.st_mtim;
	}

	const Tree &tree_;
	std::vector<file_obj_t> objects_;
	const int port_ = check(port_create(), "port_create");
};

// What one does without ports: the kernel's own one shot, a look at the file, watched again.
class OneshotWatcher {
public:
	explicit OneshotWatcher(const Tree &tree) : tree_(tree), stamps_(tree.size()), wds_(tree.size()) {}
	~OneshotWatcher() { close(notify_); }

	void watch(size_t i) {
		struct statx now {};
		const int wd = check(inotify_add_watch(notify_, tree_.path(i), IN_MODIFY | IN_ONESHOT), "add_watch");
		check(statx(AT_FDCWD, tree_.path(i), 0, STATX_BASIC_STATS, &now), "statx");
		watches_[wd] = i;
		wds_[i] = wd;
		stamps_[i] = now.stx_mtime.tv_nsec;
	}
	void unwatch(size_t i) {
		check(inotify_rm_watch(notify_, wds_[i]), "rm_watch");
		watches_.erase(wds_[i]);
	}
	void changed(size_t) {}
	size_t serve(size_t) {
		alignas(inotify_event) char buffer[32768];
		const ssize_t length = check(read(notify_, buffer, sizeof buffer), "read");
		size_t served = 0;
		for (ssize_t at = 0; at < length;) {
			inotify_event event;
			std::copy_n(buffer + at, sizeof event, reinterpret_cast<char *>(&event));
			at += static_cast<ssize_t>(sizeof event + event.len);
			const auto found = watches_.find(event.wd);
			if (event.mask & IN_IGNORED || found == watches_.end())
				continue;
			const size_t file = found->second;
			watches_.erase(found);
			watch(file);
			served++;
		}
		return served;
	}

private:
	const Tree &tree_;
	std::vector<uint32_t> stamps_;
	std::vector<int> wds_;
	std::unordered_map<int, size_t> watches_;
	const int notify_ = check(inotify_init1(IN_CLOEXEC), "inotify_init1");
};

template <class Watcher> Figures again(const Tree &tree, size_t active, size_t events) {
	Watcher watcher(tree);
	for (size_t i = 0; i < tree.size(); i++)
		watcher.watch(i);
	Stretches cpu;
	size_t served = 0;
	for (size_t next = 0; served < events;) {
		for (size_t i = 0; i < active; i++) {
			const size_t file = (next + i) % tree.size();
			tree.change(file);
			watcher.changed(file);
		}
		next += active;
		cpu.open();
		for (size_t left = active; left > 0;)
			left -= watcher.serve(left);
		cpu.close();
		served += active;
	}
	return {{"cpu_ns", cpu.total_ns() / static_cast<double>(served)}};
}

template <class Watcher> Figures last(const Tree &tree) {
	Watcher watcher(tree);
	for (size_t i = 0; i < tree.size(); i++)
		watcher.watch(i);
	Stretches cpu;
	cpu.open();
	for (size_t i = 0; i < tree.size(); i++)
		watcher.unwatch(i);
	cpu.close();
	return {{"cpu_ns", cpu.total_ns() / static_cast<double>(tree.size())}};
}

template <class Watcher> Figures first(const Tree &tree) {
	Watcher watcher(tree);
	Stretches cpu;
	cpu.open();
	for (size_t i = 0; i < tree.size(); i++)
		watcher.watch(i);
	cpu.close();
	return {{"cpu_ns", cpu.total_ns() / static_cast<double>(tree.size())}};
}

} // namespace

int main(int argc, char **argv) {
	Race race("files", argc, argv);
	const size_t events = race.quick() ? 1024 : 16384;
	const Tree tree(race.quick() ? 1000 : 10000);
	const std::string size = " files=" + std::to_string(tree.size());
	for (const size_t active : {1, 32, 256}) {
		const std::string where = "what=again" + size + " active=" + std::to_string(active);
		race.add(where, "port", [&tree, active, events] { return again<PortWatcher<Stat::UNTIMED>>(tree, active, events); });
		race.add(where, "port-stat", [&tree, active, events] { return again<PortWatcher<Stat::TIMED>>(tree, active, events); });
		race.add(where, "oneshot", [&tree, active, events] { return again<OneshotWatcher>(tree, active, events); });
	}
	race.add("what=first" + size, "port", [&tree] { return first<PortWatcher<Stat::UNTIMED>>(tree); });
	race.add("what=first" + size, "oneshot", [&tree] { return first<OneshotWatcher>(tree); });
	race.add("what=last" + size, "port", [&tree] { return last<PortWatcher<Stat::UNTIMED>>(tree); });
	race.add("what=last" + size, "oneshot", [&tree] { return last<OneshotWatcher>(tree); });
	return race.run();
}
