#include "kill.hpp"

#include <csignal>
#include <linux/futex.h>
#include <map>
#include <set>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

test::Diary* writing = nullptr; // of the child that is to die
uint32_t fatal = 0;

using Place = std::pair<std::string, int>;
std::set<Place> reached;
std::map<Place, uint32_t> met; // by the child

const char* base_name(const char* file) {
	const char* name = strrchr(file, '/');
	return name ? name + 1 : file;
}

struct Point {
	const char* file;
	uint64_t line;
};

} // namespace

// What shm/cell.hpp lists, where the compiler can.
extern "C" Point __start_evp_points[] __attribute__((weak));
extern "C" Point __stop_evp_points[] __attribute__((weak));

extern "C" void evp_killpoint(const char* file, int line) {
	if (!writing) return;
	if (test::most_of_a_place != UINT32_MAX && ++met[{base_name(file), line}] > test::most_of_a_place) return;
	if (++writing->stores != fatal) return;
	snprintf(writing->file, sizeof writing->file, "%s", base_name(file));
	writing->line = line;
	writing->inside = (test::lock_word->load() & FUTEX_TID_MASK) == syscall(SYS_gettid);
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
}

namespace test {

const std::atomic<uint32_t>* lock_word = nullptr;
uint32_t most_of_a_place = UINT32_MAX;

void say_places() {
	std::map<std::string, std::set<int>> missed;
	std::set<Place> places;
	for (Point* point = __start_evp_points; point != __stop_evp_points; point++)
		places.insert({base_name(point->file), static_cast<int>(point->line)});
	uint32_t died = 0;
	for (const Place& place : places)
		reached.count(place) ? void(died++) : void(missed[place.first].insert(place.second));
	if (places.empty()) return;
	printf("      died at %u of the %zu places that store; not at\n", died, places.size());
	for (const auto& [file, lines] : missed) {
		printf("        %s:", file.c_str());
		for (int line : lines) printf(" %d", line);
		printf("\n");
	}
}

Diary& shared_diary() {
	void* memory = mmap(nullptr, sizeof(Diary), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	return *static_cast<Diary*>(memory);
}

bool dies_at(uint32_t store, Diary& diary, void (*prepare)(Diary&), void (*scenario)(Diary&)) {
	memset(static_cast<void*>(&diary), 0, sizeof diary);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		prepare(diary);
		fatal = store;
		met.clear();
		writing = &diary;
		scenario(diary);
		writing = nullptr;
		_exit(0);
	}
	int status = 0;
	EQUAL(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		EQUAL(WTERMSIG(status), SIGKILL);
		EQUAL(diary.stores, store);
		reached.insert({diary.file, diary.line});
		return true;
	}
	EQUAL(status, 0);
	return false;
}

} // namespace test
