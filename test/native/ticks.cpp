// A file system that stamps by the ticks of the kernel's clock alone, as ZFS does: here one of FUSE, of files of no
// content. What an association has seen is not told, however many changed in the same tick (5.1.8).

#include "support.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace test;

namespace {

constexpr int FILES = 48;
constexpr uint64_t FIRST = FUSE_ROOT_ID + 1;

char folder[] = "/tmp/event-ports-ticks-XXXXXX";
timespec changed[FILES];

fuse_attr attributes(uint64_t node) {
	fuse_attr is{};
	is.ino = node;
	is.nlink = 1;
	is.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
	if (node == FUSE_ROOT_ID) return is;
	const timespec& time = changed[node - FIRST];
	is.mtime = is.ctime = static_cast<uint64_t>(time.tv_sec);
	is.mtimensec = is.ctimensec = static_cast<uint32_t>(time.tv_nsec);
	return is;
}

template <class Out>
void answer(int device, const fuse_in_header& to, const Out& out) {
	struct {
		fuse_out_header header;
		Out out;
	} all{{sizeof all, 0, to.unique}, out};
	(void)!write(device, &all, sizeof all);
}

void refuse(int device, const fuse_in_header& to, int error) {
	fuse_out_header header{sizeof header, -error, to.unique};
	(void)!write(device, &header, sizeof header);
}

void serve_one(int device, const fuse_in_header& asked, const char* rest) {
	switch (asked.opcode) {
	case FUSE_INIT: {
		fuse_init_out out{};
		out.major = FUSE_KERNEL_VERSION;
		out.minor = reinterpret_cast<const fuse_init_in*>(rest)->minor;
		out.max_write = 4096;
		return answer(device, asked, out);
	}
	case FUSE_LOOKUP: {
		int number = atoi(rest);
		if (number < 0 || number >= FILES) return refuse(device, asked, ENOENT);
		fuse_entry_out out{};
		out.nodeid = FIRST + static_cast<uint64_t>(number);
		out.entry_valid = 1000;
		out.attr = attributes(out.nodeid);
		return answer(device, asked, out);
	}
	case FUSE_GETATTR: {
		fuse_attr_out out{};
		out.attr = attributes(asked.nodeid);
		return answer(device, asked, out);
	}
	case FUSE_OPEN: {
		fuse_open_out out{};
		out.open_flags = FOPEN_DIRECT_IO;
		return answer(device, asked, out);
	}
	case FUSE_WRITE: {
		clock_gettime(CLOCK_REALTIME_COARSE, &changed[asked.nodeid - FIRST]);
		fuse_write_out out{};
		out.size = reinterpret_cast<const fuse_write_in*>(rest)->size;
		return answer(device, asked, out);
	}
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT: return;
	case FUSE_FLUSH:
	case FUSE_RELEASE: return refuse(device, asked, 0);
	default: return refuse(device, asked, ENOSYS);
	}
}

// Until it is unmounted.
[[noreturn]] void serve(int device) {
	alignas(8) static char buffer[1 << 17];
	for (;;) {
		ssize_t n = read(device, buffer, sizeof buffer);
		if (n < 0 && errno == ENODEV) _exit(0);
		if (n < static_cast<ssize_t>(sizeof(fuse_in_header))) continue;
		serve_one(device, *reinterpret_cast<fuse_in_header*>(buffer), buffer + sizeof(fuse_in_header));
	}
}

bool mount_it() {
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0 || unshare(CLONE_NEWNS) != 0) return false;
	if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
	std::string options = "fd=" + std::to_string(device) + ",rootmode=40755,user_id=0,group_id=0";
	if (mount("ticks", folder, "fuse", 0, options.c_str()) != 0) return false;
	if (fork() == 0) serve(device);
	close(device);
	return true;
}

struct File {
	std::string name;
	int fd = -1;
	file_obj_t object{};

	void change() const { EQUAL(write(fd, "x", 1), 1); }
	void associate(int port) {
		struct stat now;
		EQUAL(stat(name.c_str(), &now), 0);
		object.fo_mtime = now.st_mtim;
		object.fo_name = name.data();
		EQUAL(port_associate(port, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&object), FILE_MODIFIED, nullptr), 0);
	}
};

unsigned take_all(int port) {
	port_event_t list[FILES];
	unsigned n = 1;
	timespec now{};
	EQUAL(port_getn(port, list, FILES, &n, &now), 0);
	return n;
}

void what_was_seen_is_not_told() {
	int port = port_create();
	CHECK(port >= 0);
	static File files[FILES];
	for (int i = 0; i < FILES; i++) {
		files[i].name = std::string(folder) + "/" + std::to_string(i);
		files[i].fd = open(files[i].name.c_str(), O_WRONLY | O_CLOEXEC);
		CHECK(files[i].fd >= 0);
		files[i].associate(port);
	}
	File& late = files[FILES - 1];
	for (int round = 0; round < 50; round++) {
		for (File& file : files) file.change();
		EQUAL(take_all(port), FILES);
		for (File& file : files) {
			if (&file == &late) late.change();
			file.associate(port);
		}
		EQUAL(take_all(port), 0);
	}
	for (File& file : files) close(file.fd);
	EQUAL(close(port), 0);
	done("what_was_seen_is_not_told");
}

int body() {
	CHECK(mkdtemp(folder));
	bool mounted = mount_it();
	if (mounted) {
		what_was_seen_is_not_told();
		EQUAL(umount2(folder, MNT_DETACH), 0);
		(void)wait(nullptr);
	} else {
		puts("skip what_was_seen_is_not_told: no FUSE here");
	}
	rmdir(folder);
	printf("%d passed, 0 failed, %d skipped\n", passed, !mounted);
	return 0;
}

} // namespace

int main() { return watched(body); }
